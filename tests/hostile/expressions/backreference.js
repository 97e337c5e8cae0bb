// A reference back to what was found by trying.
// expect: 504 PLUGIN_DEADLINE
export default () => /^((a+)+)\1$/.test("a".repeat(41) + "!");
