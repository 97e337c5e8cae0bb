// A read after the other without an end.
// expect: 504 PLUGIN_DEADLINE
export default () => { for (let n = 0; ; n++) $app.dao().findRecordsByFilter("SLUG_NAME", { text: `t${n}` }); };
