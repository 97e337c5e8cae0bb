// Two billion arguments.
// expect: 503 PLUGIN_MEMORY or 504 PLUGIN_DEADLINE or 500 PLUGIN_ERROR
export default () => Math.max.apply(null, { length: 2 ** 31 });
