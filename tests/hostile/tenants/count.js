// The number of records of all tenants.
// expect: 200 0
export default () => $app.dao().countRecords("SLUG_NAME", {});
