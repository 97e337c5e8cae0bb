// A subscription that the manifest does not name.
// expect: refused TOPIC_UNDECLARED or refused PERMISSION_DENIED
$app.onEvent(["calm", "pulse", "made"].join("."), () => {});
