// A generator that is never done.
// expect: 504 PLUGIN_DEADLINE
function* numbers() { for (let n = 0; ; n++) yield n; }
export default () => { for (const n of numbers()) if (n < 0) return n; };
