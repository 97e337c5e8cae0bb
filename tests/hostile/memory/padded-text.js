// A gigabyte of blanks.
// expect: 503 PLUGIN_MEMORY
export default () => "x".padStart(2 ** 30).length;
