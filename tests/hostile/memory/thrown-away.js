// A hundred megabytes as the message of an exception.
// expect: 500 PLUGIN_ERROR or 503 PLUGIN_MEMORY
export default () => { throw new Error("y".repeat(50000000)); };
