// The hash of what holds itself.
// expect: 500 VALUE_UNSUPPORTED
export default () => { const a = {}; a.a = a; return $app.hash(a); };
