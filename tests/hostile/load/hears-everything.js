// A subscription to all topics of the bus.
// expect: refused TOPIC_UNDECLARED or refused PERMISSION_DENIED or refused PLUGIN_INVALID
$app.onEvent(["*", "*"].join("*"), () => {});
