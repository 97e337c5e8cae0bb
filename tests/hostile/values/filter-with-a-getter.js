// A filter with a getter that reads.
// expect: 200 1 or 200 0
export default () => {
  const dao = $app.dao();
  return dao.findRecordsByFilter("SLUG_NAME", { get text() { dao.saveRecord("SLUG_NAME", { text: "x" }); return "x"; } }).length;
};
