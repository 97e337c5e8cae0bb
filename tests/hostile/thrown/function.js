// A function, thrown.
// expect: 500 PLUGIN_ERROR
export default () => { throw () => 1; };
