$app.routerAdd("POST", "/api/transactions/transactions", { summary: "Report" }, (e) => {
  $app.realtime().publish("transactions.transaction.initiated", { id: e.body.id });
  return { done: true };
});
