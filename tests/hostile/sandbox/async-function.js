// The constructor of asynchronous functions.
// expect: 500 PLUGIN_ERROR
// says: EvalError
export default () => (async () => {})[["con", "structor"].join("")]("return 1")();
