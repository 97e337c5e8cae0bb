// An asynchronous function that waits for itself.
// expect: 500 PLUGIN_ERROR or 503 PLUGIN_MEMORY
const f = async () => { await f(); };
export default () => f();
