// A hundred megabytes as the answer.
// expect: 503 PLUGIN_MEMORY or 500 OVERLOADED
export default () => "z".repeat(100 * 1024 * 1024);
