$app.onEvent("projector.cloud.projected", function project(e) {
  $app.log("info", "points", { count: e.payload.count });
});
