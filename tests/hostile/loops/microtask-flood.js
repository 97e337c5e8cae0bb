// Promises that make promises.
// expect: 500 PLUGIN_ERROR
// says: promise jobs
const again = () => Promise.resolve().then(again);
export default () => { again(); };
