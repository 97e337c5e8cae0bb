$app.onEvent("shop.shipping.added", (e) => $app.log("info", "print", { id: e.payload.id }));
