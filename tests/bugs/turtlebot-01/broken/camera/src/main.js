$app.routerAdd("POST", "/api/camera/frames", { summary: "Report" }, (e) => {
  $app.realtime().publish(`camera.${"depth"}.framed`, { width: e.body.width });
  return { done: true };
});
