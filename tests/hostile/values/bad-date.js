// A date that is none.
// expect: 500 VALUE_UNSUPPORTED
export default () => new Date(NaN);
