const REFRESH = "presets.cache.refreshed";

$jobs.cron("presets.refresh", "0 3 * * *", () => {
  $app.realtime().publish(REFRESH, { all: "yes" });
});
