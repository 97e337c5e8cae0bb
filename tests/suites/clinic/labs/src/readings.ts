import { announceResult } from "./announce.ts";

const LIMITS: Record<string, number> = { potassium: 60, glucose: 250 };

$app.onEvent(`labs.analyzer.reading`, { name: "readings" }, (e) => {
  const { orderId, value, unit } = e.payload;
  const order = $app.dao().findFirstRecordByFilter("labs_orders", { orderId });
  if (!order) return $app.log("warn", "a reading without order", { orderId });
  announceResult(order, { value, unit }, value > (LIMITS[order.panel] ?? Infinity));
});
