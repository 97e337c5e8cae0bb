["bank.card.issued", "bank.dispute.opened", "bank.statement.closed"].forEach((topic) => {
  $app.onEvent(topic, { name: topic }, (e) => $app.log("info", topic, { id: e.payload.id }));
});
