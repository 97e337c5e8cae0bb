// All places of a pattern that takes nothing, found natively and kept.
// expect: 504 PLUGIN_DEADLINE or 503 PLUGIN_MEMORY
export default () => { for (;;) [..."a".repeat(1e5).matchAll(/(?:)/gu)]; };
