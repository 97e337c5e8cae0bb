$app.onEvent("fx.rate.changed", (e) => $app.log("info", "price again", { currency: e.payload.currency }));
