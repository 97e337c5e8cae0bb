import { withAudit } from "./audit.js";

const BATCH = { true: "quality.batch.blocked", false: "quality.batch.released" };

$app.onEvent("orders.order.finished", function judgeBatch(e) {
  const { orderId } = e.payload;
  const failed = $app.dao().countRecords("quality_samples", { orderId, verdict: "failed" });
  const payload = failed > 0 ? { orderId, reason: `${failed} samples failed` } : { orderId };
  withAudit("batch", () => $app.realtime().publish(BATCH[failed > 0], payload));
});
