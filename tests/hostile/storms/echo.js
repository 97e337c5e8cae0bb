// An event that its handler publishes again, for ever.
// expect: dead HOP_LIMIT
export default () => { $app.realtime().publish("SLUG.NAME.made", { n: 0 }); };
export function heard(e) { $app.realtime().publish("SLUG.NAME.made", { n: e.payload.n + 1 }); }
