$app.onEvent("estimator.pose_estimate.made", function show(e) {
  $app.log("info", "pose", { x: e.payload.x });
});
