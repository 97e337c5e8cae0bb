import { parameters } from "./parameters.js";

const { poseEstimate } = parameters;

$app.onEvent("estimator.pose.estimated", function control(e) {
  $app.log("info", `steer by ${poseEstimate}`, { x: e.payload.x });
});
