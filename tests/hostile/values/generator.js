// An asynchronous generator as the answer.
// expect: 500 VALUE_UNSUPPORTED
export default () => (async function* () { await new Promise(() => {}); yield 1; })();
