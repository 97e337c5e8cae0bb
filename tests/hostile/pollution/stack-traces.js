// A hook over stack traces, as other engines have it.
// expect: 500 PLUGIN_ERROR
// says: still read
export default () => { Error.prepareStackTrace = () => { throw 1; }; throw new Error("still read"); };
