const COMPASS = "imu.data_compass.sampled";

$app.onEvent(COMPASS, (e) => $app.log("info", "yaw", { yaw: e.payload.yaw }));
