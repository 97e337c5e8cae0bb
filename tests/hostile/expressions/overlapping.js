// Branches that overlap.
// expect: 504 PLUGIN_DEADLINE
export default () => /^(a|aa)+$/.test("a".repeat(60) + "!");
