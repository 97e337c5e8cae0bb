// Ten million pieces of one text.
// expect: 503 PLUGIN_MEMORY
export default () => "x".repeat(10000000).split("").length;
