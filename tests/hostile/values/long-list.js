// A list of four billion places, none of them there.
// expect: 500 VALUE_UNSUPPORTED or 504 PLUGIN_DEADLINE or 503 PLUGIN_MEMORY
export default () => { const a = []; a.length = 2 ** 32 - 1; return a; };
