// A toJSON that gives itself.
// expect: 500 VALUE_UNSUPPORTED
export default () => { const o = { a: 1, toJSON() { return o; } }; return o; };
