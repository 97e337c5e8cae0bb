// A handler that never succeeds.
// expect: dead PLUGIN_ERROR
export default () => { $app.realtime().publish("SLUG.NAME.made", {}); };
export function heard() { throw new Error("never"); }
