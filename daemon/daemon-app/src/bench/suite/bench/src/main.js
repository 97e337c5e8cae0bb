const dao = $app.dao();
const bus = $app.realtime();

$app.routerAdd("GET", "/api/bench/constant", { readOnly: true }, () => ({ ok: true }));

$app.routerAdd("GET", "/api/bench/items/{id}", { readOnly: true }, (e) => dao.findRecordById("bench_items", e.params.id));

$app.routerAdd("GET", "/api/bench/count", { readOnly: true }, () => ({ count: dao.countRecords("bench_items", {}) }));

$app.routerAdd("POST", "/api/bench/items", (e) => {
  const item = dao.saveRecord("bench_items", { title: e.body.title, amount: e.body.amount, note: e.body.note });
  bus.publish("bench.item.added", { id: item.id, amount: item.amount });
  e.setStatus(201);
  return { id: item.id };
});
