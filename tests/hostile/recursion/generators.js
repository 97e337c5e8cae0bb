// Generators that yield from themselves.
// expect: 500 PLUGIN_ERROR or 503 PLUGIN_CRASHED
function* f() { yield* f(); }
export default () => [...f()].length;
