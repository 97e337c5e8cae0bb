// A module that waits for a promise that nobody settles.
// expect: refused PLUGIN_ERROR
// says: never settled
await new Promise(() => {});
