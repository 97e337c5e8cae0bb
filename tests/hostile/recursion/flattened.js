// A list that holds itself, flattened without an end.
// expect: 503 PLUGIN_CRASHED or 500 PLUGIN_ERROR or 503 PLUGIN_MEMORY or 504 PLUGIN_DEADLINE
export default () => { const a = []; a.push(a, a); return a.flat(Infinity).length; };
