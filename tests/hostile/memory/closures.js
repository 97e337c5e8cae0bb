// Functions kept for ever.
// expect: 503 PLUGIN_MEMORY
export default () => { const all = []; for (;;) { const n = all.length; all.push(() => n); } };
