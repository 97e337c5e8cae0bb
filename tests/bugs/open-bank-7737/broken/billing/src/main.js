$app.routerAdd("POST", "/api/billing/fees", { summary: "Report" }, (e) => {
  $app.realtime().publish("billing.fee.charged", { id: e.body.id });
  return { done: true };
});
