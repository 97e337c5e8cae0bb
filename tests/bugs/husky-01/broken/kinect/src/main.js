$app.routerAdd("POST", "/api/kinect/scans", { summary: "Report" }, (e) => {
  $app.realtime().publish("kinect.scan.taken", { rays: e.body.rays });
  return { done: true };
});
