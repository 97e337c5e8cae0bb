// A trap that does not come back.
// expect: 504 PLUGIN_DEADLINE
export default () => new Proxy({}, { get() { for (;;); } }).anything;
