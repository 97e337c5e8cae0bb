// Four billion items.
// expect: 503 PLUGIN_MEMORY or 504 PLUGIN_DEADLINE
export default () => new Array(2 ** 32 - 1).fill(0).length;
