// The constructor behind a function of the host.
// expect: 500 PLUGIN_ERROR
// says: EvalError
export default () => $app.dao[["con", "structor"].join("")]("return globalThis")();
