// Ways up and around in an id.
// expect: 200 0
export default (e) => {
  const ids = [`../quiet/${e.body.foreign}`, `quiet/${e.body.foreign}`, `quiet\u0000${e.body.foreign}`, `%2e%2e/quiet/${e.body.foreign}`,
    `\u0000${e.body.foreign}`, `${e.body.foreign}\u0000`, e.body.foreign.toLowerCase(), `${e.body.foreign} `, "", "x".repeat(100000)];
  return ids.filter((id) => {
    try { return $app.dao().findRecordById("SLUG_NAME", id); } catch (error) { return false; }
  }).length;
};
