import * as topics from "./topics.js";

$app.onEvent(topics.imu, (e) => $app.log("info", "yaw", { yaw: e.payload.yaw }));
