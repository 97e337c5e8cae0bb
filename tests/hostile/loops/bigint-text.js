// A number of a hundred million bits as a text.
// expect: 504 PLUGIN_DEADLINE or 503 PLUGIN_MEMORY or 500 PLUGIN_ERROR
export default () => (1n << 100000000n).toString().length;
