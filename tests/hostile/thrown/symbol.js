// A symbol, thrown.
// expect: 500 PLUGIN_ERROR
// says: Symbol(s)
export default () => { throw Symbol("s"); };
