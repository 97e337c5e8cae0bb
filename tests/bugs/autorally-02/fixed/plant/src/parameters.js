export const parameters = { poseEstimate: "estimator.pose.refined" };
