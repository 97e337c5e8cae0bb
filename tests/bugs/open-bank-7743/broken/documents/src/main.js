$app.onEvent("billing.fee.charged", function summarise(e) {
  $app.log("info", "annual summary", { id: e.payload.id });
});
