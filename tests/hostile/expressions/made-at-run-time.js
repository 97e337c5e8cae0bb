// A pattern that no reader of the source sees.
// expect: 504 PLUGIN_DEADLINE
export default () => new RegExp(["^(a", "+)+$"].join("")).test("a".repeat(40) + "!");
