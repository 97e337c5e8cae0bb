// A scale that no currency has.
// expect: 500 PLUGIN_ERROR
// says: scale
export default () => $app.money.format(1, 2 ** 31);
