import { publisher } from "./audit.js";

const SAMPLE_EVERY = 50;

const VERDICTS = { passed: "quality.sample.passed", failed: "quality.sample.failed" };
const sayPassed = publisher(VERDICTS.passed);
const sayFailed = publisher(VERDICTS.failed);

$app.onEvent("machines.cycle.finished", { name: "sampling" }, (e) => {
  if (e.payload.pieces % SAMPLE_EVERY !== 0) return;
  $app.dao().saveRecord("quality_samples", { sampleId: $app.uuid(), orderId: e.payload.orderId, verdict: "open" });
});

$app.routerAdd("POST", "/api/quality/samples/{id}/verdict", { roles: ["quality.inspector"], summary: "Judge a sample" }, ({ params, body }) => {
  const dao = $app.dao();
  const sample = dao.findFirstRecordByFilter("quality_samples", { sampleId: params.id });
  if (!sample) throw new AppError("SAMPLE_NOT_FOUND", `there is no sample ${params.id}`, { status: 404 });
  const { sampleId, orderId } = sample;
  dao.saveRecord("quality_samples", { ...sample, verdict: body.defect ? "failed" : "passed" });
  if (body.defect) sayFailed({ sampleId, orderId, defect: body.defect });
  else sayPassed({ sampleId, orderId });
  return { judged: true };
});
