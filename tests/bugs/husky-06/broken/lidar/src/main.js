const out = "lidar.narrow_scan.taken";

function send(rays) {
  $app.realtime().publish(out, { rays });
}

$app.routerAdd("POST", "/api/lidar/scans", { summary: "Report" }, (e) => {
  send(e.body.rays);
  return { done: true };
});
