// Backtracking backwards.
// expect: 504 PLUGIN_DEADLINE
export default () => /(?<=^(a+)+)!/.test("b" + "a".repeat(40) + "!");
