// A file of the machine as a module.
// expect: 500 PLUGIN_ERROR
const attack = async () => import(["/etc", "passwd"].join("/"));
export default attack;
