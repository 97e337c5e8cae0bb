// A loop without an end.
// expect: 504 PLUGIN_DEADLINE
export default () => { while (true) {} };
