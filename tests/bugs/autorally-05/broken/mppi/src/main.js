import launch from "./launch.json" with { type: "json" };

$app.onEvent(launch.mppi_controller?.path_topic, function follow(e) {
  $app.log("info", "path", { points: e.payload.points });
});
