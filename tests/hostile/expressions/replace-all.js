// A replacement that tries at each place anew.
// expect: 504 PLUGIN_DEADLINE
export default () => "a".repeat(20000).replace(/a*a*b/g, "").length;
