// The same, with the exception caught: this one cannot be.
// expect: 500 PLUGIN_ERROR
// says: nested calls
const f = (n) => f(n + 1) + 1;
export default () => { try { return f(0); } catch { return "caught"; } };
