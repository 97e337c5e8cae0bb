// Four billion separators.
// expect: 503 PLUGIN_MEMORY or 504 PLUGIN_DEADLINE
export default () => new Array(2 ** 32 - 1).join("x").length;
