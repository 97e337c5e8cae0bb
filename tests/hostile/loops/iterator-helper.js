// Helpers of an iterator without an end.
// expect: 504 PLUGIN_DEADLINE or 503 PLUGIN_MEMORY or 500 PLUGIN_ERROR
export default () => Iterator.from({ next: () => ({ value: 1, done: false }) }).filter(() => false).toArray().length;
