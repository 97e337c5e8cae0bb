// A map, which JSON does not have.
// expect: 500 VALUE_UNSUPPORTED
export default () => new Map([[1, 2]]);
