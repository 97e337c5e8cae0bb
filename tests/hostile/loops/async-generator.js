// An asynchronous generator that is never done.
// expect: 500 PLUGIN_ERROR
// says: promise jobs
async function* numbers() { for (let n = 0; ; n++) yield n; }
const attack = async () => { for await (const n of numbers()) if (n < 0) return n; };
export default attack;
