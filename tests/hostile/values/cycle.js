// An object that holds itself.
// expect: 500 VALUE_UNSUPPORTED
export default () => { const o = {}; o.o = o; return o; };
