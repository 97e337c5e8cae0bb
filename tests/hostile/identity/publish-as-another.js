// An event on a topic of another plugin.
// expect: 500 TOPIC_UNDECLARED or 500 PERMISSION_DENIED
export default () => $app.realtime().publish(["calm", "pulse", "made"].join("."), {});
