// The same as the answer of a call.
// expect: 500 VALUE_UNSUPPORTED or 503 PLUGIN_MEMORY or 504 PLUGIN_DEADLINE
export default () => { let o = {}; for (let n = 0; n < 100000; n++) o = { o }; return o; };
