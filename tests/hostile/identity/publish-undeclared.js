// An event that the manifest does not name.
// expect: 500 TOPIC_UNDECLARED
export default () => $app.realtime().publish(["SLUG", "other", "made"].join("."), {});
