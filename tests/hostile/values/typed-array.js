// Bytes as the answer, which JSON does not have.
// expect: 500 VALUE_UNSUPPORTED
export default () => new Uint8Array(1 << 20);
