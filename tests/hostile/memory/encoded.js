// A text that is nine times as long when it is encoded.
// expect: 503 PLUGIN_MEMORY or 500 PLUGIN_ERROR or 504 PLUGIN_DEADLINE
export default () => { const all = []; for (;;) all.push(encodeURIComponent("\u20ac".repeat(1e6)) + all.length); };
