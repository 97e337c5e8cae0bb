$app.routerAdd("POST", "/api/bank/cards", { summary: "Report" }, (e) => {
  $app.realtime().publish("bank.card.issued", { id: e.body.id });
  return { done: true };
});
$app.routerAdd("POST", "/api/bank/disputes", { summary: "Report" }, (e) => {
  $app.realtime().publish("bank.dispute.opened", { id: e.body.id });
  return { done: true };
});
$app.routerAdd("POST", "/api/bank/statements", { summary: "Report" }, (e) => {
  $app.realtime().publish("bank.statement.closed", { id: e.body.id });
  return { done: true };
});
