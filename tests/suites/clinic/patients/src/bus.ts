// What is told about a patient is told here, and kept for the audit in the same unit of work.
import AUDIT from "./topics.ts";

interface AboutPatient {
  patientId: string;
}

export function tell<P extends AboutPatient>(topic: string, payload: P): void {
  const { publish } = $app.realtime();
  publish(topic, payload, { key: payload.patientId });
  $app.realtime().publish(AUDIT, { patientId: payload.patientId, action: topic });
}
