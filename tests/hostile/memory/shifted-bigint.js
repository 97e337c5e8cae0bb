// A number of eight billion bits.
// expect: 503 PLUGIN_MEMORY or 500 PLUGIN_ERROR
export default () => (1n << (2n ** 33n)) > 0n;
