// The records of another plugin.
// expect: 500 PERMISSION_DENIED
export default () => $app.dao().findRecordsByFilter(["calm", "secrets"].join("_"), {});
