$app.onEvent("sales.order.posted", function reward(e) {
  const { orderNo, amount } = e.payload;
  $app.log("info", orderNo, { points: amount });
});
