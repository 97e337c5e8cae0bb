// A chain of a hundred thousand prototypes.
// expect: 200 or 503 PLUGIN_CRASHED or 500 PLUGIN_ERROR or 503 PLUGIN_MEMORY or 504 PLUGIN_DEADLINE
export default () => { let p = {}; for (let n = 0; n < 100000; n++) p = Object.create(p); return "x" in p; };
