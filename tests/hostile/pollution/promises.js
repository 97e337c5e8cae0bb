// A `then` that never calls back.
// expect: 200 "waited" or 500 PLUGIN_ERROR
const attack = async () => { Promise.prototype.then = () => {}; await null; return "waited"; };
export default attack;
