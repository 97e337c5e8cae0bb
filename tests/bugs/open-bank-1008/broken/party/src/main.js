$app.onEvent("pid.identity.verified", (e) => $app.log("info", "party", { id: e.payload.id }));
