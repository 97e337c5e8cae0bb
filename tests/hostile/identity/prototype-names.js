// Names that every object has, where the host looks things up by name.
// expect: 200 ["CAPABILITY_UNDECLARED","TOPIC_UNDECLARED","JOB_UNKNOWN"]
const code = (run) => { try { run(); } catch (error) { return error.code; } return "taken"; };
export default () => [
  code(() => $app.capability([..."rotcurtsnoc"].reverse().join("")).call("constructor")),
  code(() => $app.realtime().publish("constructor.prototype", {})),
  code(() => $jobs.enqueue("__proto__", {})),
];
