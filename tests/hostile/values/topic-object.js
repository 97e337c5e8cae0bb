// A topic that is an object with a text.
// expect: 500 PLUGIN_ERROR
export default () => $app.realtime().publish({ toString: () => "SLUG.NAME.made" }, {});
