for (const topic of Object.values({ left: "sim.left-camera.taken", right: "sim.right-camera.taken" })) {
  $app.onEvent(topic, { name: topic }, (e) => $app.log("info", "picture", { width: e.payload.width }));
}
