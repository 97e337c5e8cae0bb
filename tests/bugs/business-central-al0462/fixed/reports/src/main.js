$app.onEvent("ledger.entry.posted", (e) => $app.log("info", "report", { id: e.payload.id }));
