$app.routerAdd("POST", "/api/imu/samples", { summary: "Report" }, (e) => {
  $app.realtime().publish("imu.filtered-data.sampled", { yaw: e.body.yaw });
  return { done: true };
});
