// The constructor of generators.
// expect: 500 PLUGIN_ERROR
// says: EvalError
export default () => (function* () {})[["con", "structor"].join("")]("yield 1")();
