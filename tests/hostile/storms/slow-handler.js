// A handler of an event that never ends.
// expect: dead PLUGIN_DEADLINE
// alone: true
// deadline: 300ms
export default () => { $app.realtime().publish("SLUG.NAME.made", {}); };
export function heard() { for (;;); }
