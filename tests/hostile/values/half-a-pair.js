// Half a surrogate pair.
// expect: 500 VALUE_UNSUPPORTED
export default () => "\ud800";
