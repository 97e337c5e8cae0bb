// Nothing, thrown.
// expect: 500 PLUGIN_ERROR
// says: undefined
export default () => { throw undefined; };
