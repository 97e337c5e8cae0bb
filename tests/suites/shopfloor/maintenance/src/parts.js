const ASK = "warehouse.part.withdraw.request";

export function withdraw(ticketId, part) {
  const send = $app.realtime().publish;
  send(ASK, { ticketId, part }, { key: ticketId });
}

// Both answers end in the same place: the ticket's `parts`.
for (const [answer, parts] of [["warehouse.part.withdrawn", "there"], ["warehouse.part.lacking", "ordered"]]) {
  $app.onEvent(answer, { name: parts }, (e) => {
    const dao = $app.dao();
    const ticket = dao.findFirstRecordByFilter("maintenance_tickets", { ticketId: e.payload.ticketId });
    if (ticket) dao.saveRecord("maintenance_tickets", { ...ticket, parts });
  });
}
