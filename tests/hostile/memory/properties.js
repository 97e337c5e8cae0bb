// An object with a property for each number.
// expect: 503 PLUGIN_MEMORY or 504 PLUGIN_DEADLINE
export default () => { const all = {}; for (let n = 0; ; n++) all[`p${n}`] = n; };
