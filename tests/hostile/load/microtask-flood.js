// Promise jobs without an end while the module loads.
// expect: refused PLUGIN_ERROR or refused PLUGIN_DEADLINE
const again = () => Promise.resolve().then(again);
again();
await null;
