// A text of ten million digits as a number.
// expect: 503 PLUGIN_MEMORY or 504 PLUGIN_DEADLINE
export default () => typeof BigInt("9".repeat(1e7));
