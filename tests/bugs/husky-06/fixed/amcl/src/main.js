$app.onEvent("lidar.scan.taken", function locate(e) {
  $app.log("info", "rays", { rays: e.payload.rays });
});
