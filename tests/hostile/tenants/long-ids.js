// Ids and keys that are longer than any key of the store.
// expect: 200 0
export default (e) => {
  const dao = $app.dao(), long = "x".repeat(100000);
  const tries = [
    () => dao.findRecordById("SLUG_NAME", long),
    () => dao.findRecordsByIds("SLUG_NAME", [long, long]).filter(Boolean).length,
    () => dao.findRecordsByFilter("SLUG_NAME", { id: long }).length,
    () => dao.findRecordsByFilter("SLUG_NAME", { text: long }, { cursor: long }).length,
    () => dao.saveRecord("SLUG_NAME", { id: long, text: "x" }),
    () => dao.deleteRecord("SLUG_NAME", long),
    () => $app.reserve(`SLUG_NAME/${long}/n`, 1),
    () => $app.release(long),
    () => $app.realtime().publish("SLUG.NAME.made", {}, { key: long, idempotencyKey: long }) && 0,
  ];
  return tries.map((one) => { try { return one(); } catch (error) { return error instanceof Error ? 0 : 1; } }).filter(Boolean).length;
};
