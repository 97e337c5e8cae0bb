$app.onEvent("projector.cloud.projected", function project(e) {
  $app.log("info", "points", { count: e.payload.count });
});

$app.onEvent("projector.current_pose.set", function orient(e) {
  $app.log("info", "pose", {});
});
