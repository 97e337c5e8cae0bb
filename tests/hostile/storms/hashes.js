// The hash of ten megabytes, a thousand times.
// expect: 504 PLUGIN_DEADLINE or 503 PLUGIN_MEMORY
export default () => { const text = "x".repeat(10000000); for (let n = 0; n < 1000; n++) $app.sha256(text); };
