$app.onEvent("bank.statement.received", (e) => $app.realtime().publish(e.payload.topic, {}));
