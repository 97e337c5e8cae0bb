$app.routerAdd("POST", "/api/estimator/fixes", { summary: "Report" }, (e) => {
  $app.realtime().publish("estimator.pose.refined", { x: e.body.x });
  return { done: true };
});
