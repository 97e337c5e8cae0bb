// A value that never becomes a text.
// expect: 504 PLUGIN_DEADLINE
export default () => `${{ toString() { for (;;); } }}`;
