// A handler that takes its worker down each time.
// expect: dead PLUGIN_MEMORY
// alone: true
export default () => { $app.realtime().publish("SLUG.NAME.made", {}); };
export function heard() { const all = []; for (;;) all.push("x".repeat(1000000) + all.length); }
