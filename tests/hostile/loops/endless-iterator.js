// An iterator that a function written in Rust drains for ever.
// expect: 504 PLUGIN_DEADLINE
const endless = { [Symbol.iterator]: () => ({ next: () => ({ done: false, value: 1 }) }) };
export default () => new Set(endless).size;
