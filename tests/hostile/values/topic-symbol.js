// A topic that is a symbol.
// expect: 500 PLUGIN_ERROR
export default () => $app.realtime().publish(Symbol.iterator, {});
