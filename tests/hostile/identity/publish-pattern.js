// An event on all topics at once.
// expect: 500 TOPIC_UNDECLARED or 500 TOPIC_UNKNOWN
export default () => $app.realtime().publish(["SLUG", "**"].join("."), {});
