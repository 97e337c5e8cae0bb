// Symbols under names that are kept for ever.
// expect: 503 PLUGIN_MEMORY
export default () => { for (let n = 0; ; n++) Symbol.for("x".repeat(1000) + n); };
