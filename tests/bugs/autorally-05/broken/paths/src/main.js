$app.routerAdd("POST", "/api/paths/paths", { summary: "Report" }, (e) => {
  $app.realtime().publish("paths.path.planned", { points: e.body.points });
  return { done: true };
});
