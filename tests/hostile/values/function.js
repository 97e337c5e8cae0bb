// A function as the answer.
// expect: 500 VALUE_UNSUPPORTED
export default () => () => 1;
