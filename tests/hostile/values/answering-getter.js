// An answer with a getter that answers.
// expect: 500 PLUGIN_ERROR
export default (e) => e.json(200, { get a() { e.json(201, "inner"); return "outer"; } });
