// Half a million promises at once.
// expect: 500 PLUGIN_ERROR or 503 PLUGIN_MEMORY
const attack = async () => { await Promise.all(Array.from({ length: 500000 }, () => Promise.resolve())); };
export default attack;
