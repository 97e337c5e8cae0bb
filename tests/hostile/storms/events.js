// A million events in one call.
// expect: 503 OVERLOADED or 500 OVERLOADED or 429 OVERLOADED
export default () => { for (let n = 0; n < 1000000; n++) $app.realtime().publish("SLUG.NAME.made", { n }); };
