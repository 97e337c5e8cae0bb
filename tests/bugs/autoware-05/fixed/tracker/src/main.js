$app.routerAdd("POST", "/api/tracker/objects", { summary: "Report" }, (e) => {
  $app.realtime().publish("tracker.objects.detected", { count: e.body.count });
  return { done: true };
});
