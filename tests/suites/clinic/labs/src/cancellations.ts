const CANCELLED = ["scheduling", "appointment", "cancelled"].join(".");

export function onCancelled({ payload }): void {
  const dao = $app.dao();
  const open = dao.findRecordsByFilter("labs_orders", { patientId: payload.patientId, state: "held" });
  open.forEach((order) => dao.saveRecord("labs_orders", { ...order, state: "dropped" }));
}

$app.onEvent(CANCELLED, onCancelled);
