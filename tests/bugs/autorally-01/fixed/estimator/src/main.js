import remap from "./remap.json" with { type: "json" };

$app.routerAdd("POST", "/api/estimator/fixes", { summary: "Report" }, (e) => {
  $app.realtime().publish(remap["gps_imu/pose"], { x: e.body.x });
  return { done: true };
});
