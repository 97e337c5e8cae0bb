import { announceOrder, announceSample } from "./announce.ts";

const HOLD = "scheduling.slot.hold.request";

$app.routerAdd("POST", "/api/labs/orders", { roles: ["labs.clinician"], summary: "Order a panel" }, (e) => {
  const { patientId, panel, slot } = e.body;
  const order = $app.dao().saveRecord("labs_orders", { orderId: $app.uuid(), patientId, panel, slot, state: "placed" });
  announceOrder(order);
  $app.request(HOLD, { slot, patientId }, { timeout: "10s", continue: "labs.held", context: { orderId: order.orderId } });
  e.setStatus(201);
  return order;
});

$app.routerAdd("POST", "/api/labs/orders/{id}/samples", { roles: ["labs.clinician"], summary: "A sample arrived" }, (e) => {
  announceSample(e.params.id, e.body.tube);
  return { received: true };
});

$app.onOutcome("labs.held", ({ outcome, context }) => {
  const dao = $app.dao();
  const order = dao.findFirstRecordByFilter("labs_orders", { orderId: context.orderId });
  if (order) dao.saveRecord("labs_orders", { ...order, state: outcome === "ok" ? "held" : "placed" });
});
