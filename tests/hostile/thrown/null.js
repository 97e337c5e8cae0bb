// Null, thrown.
// expect: 500 PLUGIN_ERROR
// says: null
export default () => { throw null; };
