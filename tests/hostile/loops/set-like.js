// A set that says that it has an end.
// expect: 504 PLUGIN_DEADLINE or 503 PLUGIN_MEMORY or 500 PLUGIN_ERROR
export default () => new Set([1]).union({ size: 1, has: () => true, keys: () => ({ next: () => ({ value: 1, done: false }) }) }).size;
