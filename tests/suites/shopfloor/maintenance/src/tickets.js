import { withdraw } from "./parts.js";

const topicOf = (verb) => ["maintenance", "order", verb].join(".");

const PARTS = { repair: "belt", service: "oil", calibration: null };

export function open(machine, kind) {
  const ticketId = $app.uuid();
  $app.dao().saveRecord("maintenance_tickets", { ticketId, machine, kind, parts: "none", open: true });
  $app.realtime().publish(topicOf("opened"), { ticketId, machine, kind });
  const part = PARTS[kind];
  if (part) withdraw(ticketId, part);
}

export function counted(machine, pieces) {
  const dao = $app.dao();
  const counter = dao.findFirstRecordByFilter("maintenance_counters", { machine }) ?? { machine, pieces: 0 };
  const total = counter.pieces + pieces;
  dao.saveRecord("maintenance_counters", { ...counter, pieces: total % 100_000 });
  return total;
}

$app.routerAdd("POST", "/api/maintenance/tickets/{id}/close", { roles: ["maintenance.fitter"], summary: "Close a ticket" }, (e) => {
  const dao = $app.dao();
  const ticket = dao.findFirstRecordByFilter("maintenance_tickets", { ticketId: e.params.id });
  if (!ticket) throw new AppError("TICKET_NOT_FOUND", `there is no ticket ${e.params.id}`, { status: 404 });
  dao.saveRecord("maintenance_tickets", { ...ticket, open: false });
  $app.realtime().publish(topicOf("closed"), { ticketId: ticket.ticketId, machine: ticket.machine, minutes: e.body.minutes });
  return { closed: true };
});
