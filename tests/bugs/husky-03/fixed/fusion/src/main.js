// The source is a field that the constructor fills from the settings.
class Fusion {
  constructor(settings) {
    this.source = settings.imu0;
  }

  start() {
    $app.onEvent(this.source, { name: "fuse" }, (e) => $app.log("info", "yaw", { yaw: e.payload.yaw }));
  }
}

new Fusion({ imu0: "imu.filtered-data.sampled" }).start();
