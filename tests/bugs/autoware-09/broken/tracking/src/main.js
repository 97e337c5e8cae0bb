$app.routerAdd("POST", "/api/tracking/frames", { summary: "Report" }, (e) => {
  $app.realtime().publish("tracking.image_obj_tracked.made", { frame: e.body.frame });
  return { done: true };
});
