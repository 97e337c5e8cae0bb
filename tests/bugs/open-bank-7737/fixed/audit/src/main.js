$app.onEvent("billing.fee.charged", (e) => $app.log("info", "fee", { id: e.payload.id }));
