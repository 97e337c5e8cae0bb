// The record of another tenant, deleted.
// expect: 404 RECORD_NOT_FOUND or 200
export default (e) => $app.dao().deleteRecord("SLUG_NAME", e.body.foreign);
