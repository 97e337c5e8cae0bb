// Options that no publish takes.
// expect: 500 PLUGIN_ERROR or 200
export default () => $app.realtime().publish("SLUG.NAME.made", {}, { publisher: "plugin:calm", tenant: "quiet", id: "1" });
