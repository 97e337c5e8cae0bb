// A hundred thousand records in one call.
// expect: 503 OVERLOADED or 500 OVERLOADED or 429 OVERLOADED or 503 PLUGIN_MEMORY
// deadline: 30s
export default () => { for (let n = 0; n < 100000; n++) $app.dao().saveRecord("SLUG_NAME", { text: "x" }); };
