// A length that only claims to be there.
// expect: 504 PLUGIN_DEADLINE or 503 PLUGIN_MEMORY or 500 PLUGIN_ERROR
export default () => Array.from({ length: 2 ** 53 - 1 }).length;
