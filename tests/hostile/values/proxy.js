// A proxy with a trap for everything.
// expect: 500 PLUGIN_ERROR or 500 VALUE_UNSUPPORTED
export default () => new Proxy({}, {
  get() { throw new Error("trapped"); }, ownKeys() { throw new Error("trapped"); }, has() { throw new Error("trapped"); },
});
