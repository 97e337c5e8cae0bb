// A proxy that throws when it is looked at.
// expect: 500 PLUGIN_ERROR
export default () => { throw new Proxy({}, { get() { throw 1; }, getPrototypeOf() { throw 2; } }); };
