$app.routerAdd("POST", "/api/drive/status", { summary: "Report" }, (e) => {
  $app.realtime().publish("drive.status.changed", { speed: e.body.speed });
  return { done: true };
});
