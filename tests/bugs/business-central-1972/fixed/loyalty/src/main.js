$app.onEvent("sales.order.posted", function reward(e) {
  const { orderNo, amountMinor } = e.payload;
  $app.log("info", orderNo, { points: amountMinor });
});
