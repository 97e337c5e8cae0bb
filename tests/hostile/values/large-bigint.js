// A number beyond 64 bits.
// expect: 500 VALUE_UNSUPPORTED
export default () => 2n ** 70n;
