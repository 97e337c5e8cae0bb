// Two branches that take the same.
// expect: 504 PLUGIN_DEADLINE
export default () => /^(a|a)*$/.test("a".repeat(40) + "!");
