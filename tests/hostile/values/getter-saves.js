// A record with a getter that saves another.
// expect: 200 2
export default () => {
  const dao = $app.dao();
  dao.saveRecord("SLUG_NAME", { get text() { return dao.saveRecord("SLUG_NAME", { text: "inner" }).id; } });
  return dao.countRecords("SLUG_NAME", {});
};
