// A text that is made of itself.
// expect: 500 PLUGIN_ERROR or 200
const odd = { toString() { return String(odd); } };
export default () => String(odd);
