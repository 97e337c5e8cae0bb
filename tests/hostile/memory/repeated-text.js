// A gigabyte by one call.
// expect: 503 PLUGIN_MEMORY
export default () => "x".repeat(2 ** 30).length;
