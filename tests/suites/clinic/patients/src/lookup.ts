import { LOOKUP as ASKED } from "./topics.ts";

$app.onEvent(ASKED, { name: "lookup" }, function lookup(e) {
  const { patientId } = e.payload;
  const person = $app.dao().findFirstRecordByFilter("patients_people", { patientId });
  if (person === null) {
    e.reject({ patientId, reason: "unknown" });
    return;
  }
  e.reply({ patientId, name: person.name, payer: person.payer });
});
