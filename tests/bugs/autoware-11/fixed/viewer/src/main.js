$app.routerAdd("POST", "/api/viewer/poses", { summary: "Report" }, (e) => {
  $app.realtime().publish("viewer.pose.initialised", { x: e.body.x, y: e.body.y });
  return { done: true };
});
