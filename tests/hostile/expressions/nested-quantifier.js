// Two quantifiers within one another.
// expect: 504 PLUGIN_DEADLINE
export default () => /^(a+)+$/.test("a".repeat(40) + "!");
