import { sampled } from "./topics.js";

$app.routerAdd("POST", "/api/imu/samples", { summary: "Report" }, (e) => {
  $app.realtime().publish(sampled, { yaw: e.body.yaw });
  return { done: true };
});
