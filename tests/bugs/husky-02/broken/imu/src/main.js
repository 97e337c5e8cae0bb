const sensor = { topicName: "imu.data.sampled", updateRate: 50 };

$app.routerAdd("POST", "/api/imu/samples", { summary: "Report" }, (e) => {
  $app.realtime().publish(sensor.topicName, { yaw: e.body.yaw });
  return { done: true };
});
