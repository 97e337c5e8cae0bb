const SIDES = ["left", "right"];

SIDES.map((side) => `driver.${side}_camera.image_diagnostic`).forEach((topic) => {
  $app.onEvent(topic, { name: topic }, (e) => $app.log("info", "picture", { width: e.payload.width }));
});
