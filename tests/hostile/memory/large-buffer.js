// A buffer of a gigabyte.
// expect: 500 PLUGIN_ERROR
export default () => new ArrayBuffer(2 ** 30).byteLength;
