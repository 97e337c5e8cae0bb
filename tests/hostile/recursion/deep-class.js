// A hundred thousand classes within one another in a pattern.
// expect: 500 PLUGIN_ERROR
// says: too deeply nested
export default () => new RegExp("[".repeat(1e5), "v").test("a");
