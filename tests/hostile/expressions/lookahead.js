// A quantifier around a look ahead.
// expect: 504 PLUGIN_DEADLINE
export default () => /^(?:(?=(a+))a+)+$/.test("a".repeat(40) + "!");
