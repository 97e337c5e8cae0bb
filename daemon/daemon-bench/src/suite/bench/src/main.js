const dao = $app.dao();
const bus = $app.realtime();

$app.routerAdd("GET", "/api/bench/constant", { readOnly: true }, () => ({ ok: true }));

$app.routerAdd("GET", "/api/bench/items/{id}", { readOnly: true }, (e) => dao.findRecordById("bench_items", e.params.id));

$app.routerAdd("GET", "/api/bench/count", { readOnly: true }, () => ({ count: dao.countRecords("bench_items", {}) }));

$app.routerAdd("POST", "/api/bench/items", (e) => {
  const { title, amount, note } = e.body;
  const { id } = dao.saveRecord("bench_items", e.body);
  bus.publish("bench.item.added", { id, title, amount, note });
  e.setStatus(201);
  return { id };
});

$app.onEvent("bench.echo.request", function echo(e) {
  const { title, amount, note } = e.payload;
  if (amount < 0) e.reject({ message: "amount is below zero" });
  else e.reply({ title, amount, note });
});
