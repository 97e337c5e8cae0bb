$app.routerAdd("POST", "/api/localizer/poses", { summary: "Report" }, (e) => {
  $app.realtime().publish("localizer.pose.found", { x: e.body.x });
  return { done: true };
});
