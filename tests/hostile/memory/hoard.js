// Texts kept for ever.
// expect: 503 PLUGIN_MEMORY
export default () => { const all = []; for (;;) all.push("x".repeat(100000) + all.length); };
