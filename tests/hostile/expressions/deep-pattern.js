// A pattern of a hundred thousand groups within one another.
// expect: 500 PLUGIN_ERROR or 503 PLUGIN_CRASHED or 503 PLUGIN_MEMORY or 504 PLUGIN_DEADLINE
export default () => new RegExp("(".repeat(100000) + "a" + ")".repeat(100000)).test("a");
