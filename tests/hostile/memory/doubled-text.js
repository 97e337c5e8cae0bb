// A text that doubles.
// expect: 503 PLUGIN_MEMORY
export default () => { let s = "x"; for (;;) s += s; };
