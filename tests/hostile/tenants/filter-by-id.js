// A filter by the true id.
// expect: 200 0
export default (e) => $app.dao().findRecordsByFilter("SLUG_NAME", { id: e.body.foreign }).length;
