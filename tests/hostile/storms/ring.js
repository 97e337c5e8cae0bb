// Two events that call one another, for ever.
// expect: dead HOP_LIMIT
export default () => { $app.realtime().publish("SLUG.NAME.made", { n: 0 }); };
export function heard(e) { $app.realtime().publish("SLUG.NAME.answered", { n: e.payload.n + 1 }); }
export function answered(e) { $app.realtime().publish("SLUG.NAME.made", { n: e.payload.n + 1 }); }
