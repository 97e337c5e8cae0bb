// Each await is a promise job, and of those a call has a number.
// expect: 500 PLUGIN_ERROR
// says: promise jobs
const attack = async () => { for (;;) await null; };
export default attack;
