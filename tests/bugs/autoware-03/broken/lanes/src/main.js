$app.routerAdd("POST", "/api/lanes/select", { summary: "Report" }, (e) => {
  $app.realtime().publish("lanes.base_waypoints.selected", { count: e.body.count });
  return { done: true };
});
