// A module that reads records before anybody has called it.
// expect: refused PLUGIN_ERROR
// says: inside a handler
$app.dao().findRecordsByFilter("SLUG_NAME", {});
