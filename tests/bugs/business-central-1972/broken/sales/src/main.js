$app.routerAdd("POST", "/api/sales/orders", { summary: "Report" }, (e) => {
  $app.realtime().publish("sales.order.posted", { orderNo: e.body.no, amountMinor: e.body.amount });
  return { done: true };
});
