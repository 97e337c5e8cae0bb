// More than a text may have at all.
// expect: 500 PLUGIN_ERROR
export default () => "x".repeat(2 ** 32).length;
