// An exception whose message is never ready.
// expect: 504 PLUGIN_DEADLINE
export default () => { throw { get message() { for (;;); } }; };
