// A text that grows as it is brought into its normal form.
// expect: 504 PLUGIN_DEADLINE or 503 PLUGIN_MEMORY or 200
export default () => { let n = 0; for (;;) n += "\u0344\ufdfa".repeat(1e5).normalize("NFKD").length; };
