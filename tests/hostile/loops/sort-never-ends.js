// A comparator that does not come back.
// expect: 504 PLUGIN_DEADLINE
export default () => [2, 1].sort(() => { for (;;); });
