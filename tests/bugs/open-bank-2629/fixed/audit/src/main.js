$app.onEvent("accounts.account.created", (e) => $app.log("info", "audit", { id: e.payload.id }));
$app.onEvent("transactions.transaction.initiated", (e) => $app.log("info", "audit", { id: e.payload.id }));
