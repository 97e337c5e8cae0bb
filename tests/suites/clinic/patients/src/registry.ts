// Registering and merging. $app.realtime().publish("patients.record.removed") does not exist: records are never removed.
import { MERGED, REGISTERED } from "./topics.ts";
import { tell } from "./bus.ts";

$app.routerAdd("POST", "/api/patients/people", { roles: ["patients.reception"], summary: "Register a patient" }, (e) => {
  const { patientId, name, born, payer } = e.body;
  const person = $app.dao().saveRecord("patients_people", { patientId, name, born, payer: payer ?? "self" });
  tell(REGISTERED, { patientId, name, born });
  e.setStatus(201);
  return person;
});

$app.routerAdd("POST", "/api/patients/people/{id}/merge", { roles: ["patients.reception"], summary: "Merge a double into another" }, (e) => {
  const dao = $app.dao();
  const person = dao.findFirstRecordByFilter("patients_people", { patientId: e.params.id });
  if (person === null) throw new AppError("PATIENT_NOT_FOUND", `there is no patient ${e.params.id}`, { status: 404 });
  dao.saveRecord("patients_people", { ...person, mergedInto: e.body.into });
  tell(MERGED, { patientId: e.params.id, into: e.body.into });
  return { merged: true };
});
