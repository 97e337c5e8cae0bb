$app.onEvent("orders.order.due", function execute(e) {
  $app.log("info", "pay", { orderId: e.payload.orderId });
});
