// A list whose only item is its four billionth.
// expect: 500 VALUE_UNSUPPORTED or 504 PLUGIN_DEADLINE or 503 PLUGIN_MEMORY
export default () => { const a = []; a[2 ** 32 - 2] = 1; return a; };
