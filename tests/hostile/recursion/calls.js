// A function that calls itself.
// expect: 500 PLUGIN_ERROR
// says: nested calls
const f = (n) => f(n + 1) + 1;
export default () => f(0);
