// Code made from text.
// expect: 500 PLUGIN_ERROR
// says: EvalError
export default () => globalThis[["ev", "al"].join("")]("1");
