// A loop inside a callback of a function that is written in Rust.
// expect: 504 PLUGIN_DEADLINE
export default () => [1].forEach(() => { for (;;); });
