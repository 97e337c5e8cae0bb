// A replacement that grows with each place.
// expect: 503 PLUGIN_MEMORY or 504 PLUGIN_DEADLINE
export default () => { let s = "aa"; for (;;) s = s.replaceAll("a", "aa"); };
