// A replacement that replaces.
// expect: 500 PLUGIN_ERROR
const f = () => "a".replace(/a/, f);
export default () => f();
