// A route under the name of another plugin.
// expect: refused PLUGIN_INVALID or refused PLUGIN_ERROR or refused PERMISSION_DENIED
$app.routerAdd("GET", "/api/calm/" + ["stolen"].join(""), () => "mine");
