export function seen(patientId: string, topic: string): void {
  $app.log("info", `look at the medication of ${patientId}`, { topic });
}
