// A toJSON that does not come back.
// expect: 504 PLUGIN_DEADLINE
export default () => ({ toJSON() { for (;;); } });
