// A promise that nobody settles; nothing is held for it.
// expect: 500 PLUGIN_ERROR
// says: never settled
export default () => new Promise(() => {});
