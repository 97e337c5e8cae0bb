// A split by what backtracks.
// expect: 504 PLUGIN_DEADLINE
export default () => ("a".repeat(40) + "!").split(/(?:a+)+$/).length;
