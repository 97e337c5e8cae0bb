for (const topic of Object.values({ left: "sim.camera-left.taken", right: "sim.camera-right.taken" })) {
  $app.onEvent(topic, { name: topic }, (e) => $app.log("info", "picture", { width: e.payload.width }));
}
