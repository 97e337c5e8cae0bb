// A function that applies itself.
// expect: 500 PLUGIN_ERROR or 503 PLUGIN_CRASHED
function f() { return Reflect.apply(f, this, arguments); }
export default () => f();
