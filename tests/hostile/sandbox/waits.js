// A wait on shared memory.
// expect: 500 PLUGIN_ERROR
export default () => Atomics.wait(new Int32Array(new SharedArrayBuffer(8)), 0, 0, 100000);
