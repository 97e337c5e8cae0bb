// The constructor of functions.
// expect: 500 PLUGIN_ERROR
// says: EvalError
export default () => (() => {})[["con", "structor"].join("")]("return 1")();
