const SIDES = { left: "sim.left-camera.taken", right: "sim.right-camera.taken" };

$app.routerAdd("POST", "/api/sim/pictures", { summary: "Report" }, (e) => {
  $app.realtime().publish(SIDES[e.body.side], { width: e.body.width });
  return { done: true };
});
