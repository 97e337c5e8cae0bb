import { PEAK } from "./topics.mjs";

const peakKw = $app.config.peakKw ?? 500;

$app.onEvent("ENERGY.METER.READ".toLowerCase(), function read(e) {
  const { meter, kwh } = e.payload;
  const dao = $app.dao();
  const site = dao.findFirstRecordByFilter("energy_sites", { site: meter }) ?? { site: meter, peak: false };
  const peak = kwh * 4 > peakKw;
  if (peak === site.peak) return;
  dao.saveRecord("energy_sites", { ...site, peak });
  $app.realtime().publish((peak && PEAK.entered) || PEAK.left, { site: meter, kw: kwh * 4 });
});
