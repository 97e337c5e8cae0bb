import { seen } from "./seen.ts";

$app.onEvent("labs.result.*", { name: "results" }, function watch(e) {
  const { patientId, panel, value } = e.payload;
  if (panel === "potassium" && value > 55) seen(patientId, e.topic);
});
