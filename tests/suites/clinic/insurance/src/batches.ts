const region: string = $app.config?.region ?? "north";
const BATCH = `insurance.batch.${region}`;

$jobs.cron("insurance.batches", "0 22 * * *", () => {
  const claims = $app.dao().countRecords("insurance_claims", {});
  if (claims > 0) $app.realtime().publish(BATCH, { claims });
});
