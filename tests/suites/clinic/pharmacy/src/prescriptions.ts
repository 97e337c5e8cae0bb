import { type Kernel, telling } from "./kernel.ts";

const P = "pharmacy.prescription.";
const LOOK = { up: { topic: "patients.lookup.request" } };

export function prescriptions(app: Kernel): void {
  const issue = (payload: object) => telling(app, P + "issued", () => payload);

  $app.routerAdd("POST", "/api/pharmacy/prescriptions", { roles: ["pharmacy.staff"], summary: "Issue" }, (e) => {
    const { patientId, drug } = e.body;
    $app.request(LOOK?.up.topic, { patientId }, { timeout: "5s", continue: "pharmacy.known", context: { patientId, drug } });
    e.setStatus(202);
    return { asked: true };
  });

  $app.onOutcome("pharmacy.known", ({ outcome, context }) => {
    if (outcome !== "ok") return;
    const prescriptionId = $app.uuid();
    $app.dao().saveRecord("pharmacy_prescriptions", { prescriptionId, ...context });
    issue({ prescriptionId, patientId: context.patientId, drug: context.drug });
  });

  $app.routerAdd("POST", "/api/pharmacy/prescriptions/{id}/dispense", { roles: ["pharmacy.staff"], summary: "Dispense" }, (e) =>
    telling(app, P.concat("dispensed"), () => ({ prescriptionId: e.params.id, patientId: e.body.patientId })));

  $jobs.cron("pharmacy.refills", "0 7 * * *", () => {
    const on = new Date($app.now()).toISOString().slice(0, 10);
    for (const { prescriptionId, patientId } of $app.dao().findRecordsByFilter("pharmacy_prescriptions", { due: on })) {
      app.realtime().publish(`pharmacy.refill.due`, { prescriptionId, patientId, on });
    }
  });

  app.onEvent("patients.record.merged", (e) => {
    const { patientId, into } = e.payload;
    const dao = $app.dao();
    dao.findRecordsByFilter("pharmacy_prescriptions", { patientId }).map((one) => dao.saveRecord("pharmacy_prescriptions", { ...one, patientId: into }));
  });
}
