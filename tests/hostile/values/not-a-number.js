// A number that is none.
// expect: 500 VALUE_UNSUPPORTED
export default () => ({ a: NaN });
