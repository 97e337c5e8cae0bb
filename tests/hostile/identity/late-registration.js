// A handler that is registered by a call.
// expect: 500 PLUGIN_ERROR
export default () => $app.routerAdd("GET", "/api/SLUG/x", () => 1);
