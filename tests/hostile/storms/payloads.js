// A hundred payloads of a megabyte.
// expect: 503 OVERLOADED or 500 OVERLOADED or 429 OVERLOADED or 503 PLUGIN_MEMORY
export default () => { for (let n = 0; n < 100; n++) $app.realtime().publish("SLUG.NAME.made", { text: "x".repeat(1000000) }); };
