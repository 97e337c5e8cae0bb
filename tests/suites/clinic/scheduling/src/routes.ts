import type { Appointments } from "./appointments.ts";

const DESK = { roles: ["scheduling.desk"] };
const LOOKUP = "patients.lookup.request";

export function routes(appointments: Appointments): void {
  $app.routerAdd("POST", "/api/scheduling/appointments", { ...DESK, summary: "Book" }, (e) => {
    e.setStatus(201);
    return { appointmentId: appointments.book(e.body) };
  });
  $app.routerAdd("POST", "/api/scheduling/appointments/{id}/move", { ...DESK, summary: "Move" }, (e) => {
    appointments.move(e.params.id, e.body.to);
    return { moved: true };
  });
  $app.routerAdd("POST", "/api/scheduling/appointments/{id}/end", { ...DESK, summary: "Cancel or complete" }, (e) => {
    appointments.end(e.params.id, e.body);
    return { ended: true };
  });
  $app.routerAdd("GET", "/api/scheduling/patients/{id}", { ...DESK, summary: "Who is it" }, (e) => {
    const asked = $app.request(LOOKUP, { patientId: e.params.id }, { timeout: "5s" });
    return e.outcome(asked, { ok: 200, error: 404 });
  });
}
