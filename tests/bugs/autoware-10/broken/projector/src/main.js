$app.routerAdd("POST", "/api/projector/clouds", { summary: "Report" }, (e) => {
  $app.realtime().publish("projector.cloud.projected", { count: e.body.count });
  return { done: true };
});
