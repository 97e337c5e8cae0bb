function addItem(id) {
  $app.log("info", "item", { id });

}

/** Deprecated: use addItem. */
function addShipping(id) {
  $app.realtime().publish("shop.shipping.added", { id });
}

$app.routerAdd("POST", "/api/shop/orders", { summary: "Report" }, (e) => {
  addItem(e.body.id);
  return { done: true };
});
