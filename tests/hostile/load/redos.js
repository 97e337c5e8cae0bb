// A regular expression that backtracks for ever while the module loads.
// expect: refused PLUGIN_DEADLINE
/^(a+)+$/.test("a".repeat(40) + "!");
