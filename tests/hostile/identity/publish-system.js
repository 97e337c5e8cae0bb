// An event on a topic of the daemon's own.
// expect: 500 TOPIC_UNDECLARED
export default () => $app.realtime().publish(["jobs", "calm", "run"].join("."), {});
