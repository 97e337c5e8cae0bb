// A list at the top of the module that each call adds to.
// expect: 503 PLUGIN_MEMORY
// alone: true
// times: 12
const kept = [];
export default () => { kept.push("x".repeat(20000000) + kept.length); return kept.length; };
