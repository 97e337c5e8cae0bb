// A module by a name that is made up as the call runs.
// expect: 500 PLUGIN_ERROR
const attack = async (e) => (await import(["node", "fs"].join(":"))).readFileSync;
export default attack;
