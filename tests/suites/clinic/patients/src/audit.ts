import AUDIT from "./topics.ts";

const keep = ({ payload }): void => {
  $app.dao().saveRecord("patients_audit", { patientId: payload.patientId, action: payload.action });
};

$app.onEvent(AUDIT, keep);
