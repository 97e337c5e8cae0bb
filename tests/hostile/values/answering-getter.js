// An answer with a getter that answers.
// expect: 200 or 201
export default (e) => e.json(200, { get a() { e.json(201, "inner"); return "outer"; } });
