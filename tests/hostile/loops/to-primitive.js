// A value that never becomes a number.
// expect: 504 PLUGIN_DEADLINE
export default () => +{ [Symbol.toPrimitive]() { for (;;); } };
