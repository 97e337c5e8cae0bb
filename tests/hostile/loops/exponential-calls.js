// Two calls in each call, never deep, never done.
// expect: 504 PLUGIN_DEADLINE
const f = (n) => (n === 0 ? 1 : f(n - 1) + f(n - 1));
export default () => f(300);
