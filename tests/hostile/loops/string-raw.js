// A template of nine quadrillion parts.
// expect: 504 PLUGIN_DEADLINE or 503 PLUGIN_MEMORY or 500 PLUGIN_ERROR
export default () => String.raw({ raw: { length: 2 ** 53 - 1 } }).length;
