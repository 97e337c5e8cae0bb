// An answer that would settle itself, where nobody waits for it.
// expect: 500 VALUE_UNSUPPORTED
export default () => ({ then(resolve) { resolve("taken"); } });
