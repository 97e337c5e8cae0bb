// A symbol as the answer.
// expect: 500 VALUE_UNSUPPORTED
export default () => Symbol("s");
