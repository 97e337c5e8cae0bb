// A record of another tenant, by its true id.
// expect: 404 RECORD_NOT_FOUND
export default (e) => $app.dao().findRecordById("SLUG_NAME", e.body.foreign);
