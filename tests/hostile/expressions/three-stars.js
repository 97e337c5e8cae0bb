// A product of three quantifiers over a long text.
// expect: 504 PLUGIN_DEADLINE
export default () => /a*a*a*a*a*b/.test("a".repeat(5000));
