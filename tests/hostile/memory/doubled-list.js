// A list that doubles.
// expect: 503 PLUGIN_MEMORY
export default () => { let a = [1]; for (;;) a = a.concat(a); };
