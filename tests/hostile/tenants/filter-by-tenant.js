// A filter that names the tenant.
// expect: 500 FILTER_INVALID or 400 FILTER_INVALID
export default () => $app.dao().findRecordsByFilter("SLUG_NAME", { tenant: "quiet" });
