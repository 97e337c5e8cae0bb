const topic = (side) => `driver.${side}_camera.image_diagnostic`;

$app.routerAdd("POST", "/api/driver/pictures", { summary: "Report" }, (e) => {
  for (const side of ["left", "right"]) $app.realtime().publish(topic(side), { width: e.body.width });
  return { done: true };
});
