// A thenable that resolves to itself.
// expect: 500 PLUGIN_ERROR
// says: promise jobs
const endless = { then(resolve) { resolve(endless); } };
export default () => Promise.resolve(endless);
