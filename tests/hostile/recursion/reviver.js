// A reviver that parses with itself.
// expect: 500 PLUGIN_ERROR
const f = (k, v) => JSON.parse("[1]", f);
export default () => f();
