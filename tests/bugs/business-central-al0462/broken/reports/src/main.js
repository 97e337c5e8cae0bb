$app.onEvent("ledger.entry.checked", (e) => $app.log("info", "report", { id: e.payload.id }));
