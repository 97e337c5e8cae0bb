// A spread of an iterator without an end.
// expect: 504 PLUGIN_DEADLINE or 503 PLUGIN_MEMORY
const endless = { [Symbol.iterator]: () => ({ next: () => ({ done: false, value: 1 }) }) };
export default () => [...endless].length;
