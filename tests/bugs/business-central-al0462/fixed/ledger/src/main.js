import "./steps.js";

$app.routerAdd("POST", "/api/ledger/entries", { summary: "Report" }, (e) => {
  $app.realtime().publish("ledger.entry.checked", { id: e.body.id });
  $app.realtime().publish("ledger.entry.posted", { id: e.body.id });
  return { done: true };
});
