import { withAudit } from "./audit.js";

const drifted = "quality.gauge.{what}".replace("{what}", "drifted");

$app.routerAdd("POST", "/api/quality/gauges/{id}/check", { roles: ["quality.inspector"], summary: "Check a gauge" }, (e) => {
  const by = e.body.measured - e.body.nominal;
  if (by !== 0) withAudit("gauge", () => $app.realtime().publish(drifted, { gauge: e.params.id, by }));
  return { by };
});
