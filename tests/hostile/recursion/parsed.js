// A hundred thousand brackets as JSON.
// expect: 500 PLUGIN_ERROR or 503 PLUGIN_CRASHED
export default () => JSON.parse("[".repeat(100000) + "]".repeat(100000)).length;
