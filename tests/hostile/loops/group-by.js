// Groups of what has no end.
// expect: 504 PLUGIN_DEADLINE or 503 PLUGIN_MEMORY or 500 PLUGIN_ERROR
export default () => Object.groupBy((function* () { for (;;) yield 1; })(), () => "a").a.length;
