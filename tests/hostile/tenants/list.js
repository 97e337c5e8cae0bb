// Every record there is: those of another tenant are not among them.
// expect: 200 0
export default () => $app.dao().findRecordsByFilter("SLUG_NAME", {}).length;
