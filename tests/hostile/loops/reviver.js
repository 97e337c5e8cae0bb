// A reviver that does not come back.
// expect: 504 PLUGIN_DEADLINE
export default () => JSON.parse("[1]", () => { for (;;); });
