// A record among those of another plugin.
// expect: 500 PERMISSION_DENIED
export default () => $app.dao().saveRecord(["calm", "secrets"].join("_"), { text: "mine" });
