// A toJSON that is made of JSON.
// expect: 500 PLUGIN_ERROR or 500 VALUE_UNSUPPORTED
const odd = { toJSON() { return JSON.stringify(odd); } };
export default () => odd;
