$app.onEvent("ledger.entry.checked", (e) => $app.log("info", "checked", { id: e.payload.id }));
