// A pattern of a million characters.
// expect: 200 or 500 PLUGIN_ERROR or 504 PLUGIN_DEADLINE or 503 PLUGIN_MEMORY or 503 PLUGIN_CRASHED
export default () => new RegExp("(a?)".repeat(250000)).test("a") && "done";
