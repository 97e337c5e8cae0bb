function process(depth = "camera.depth_registered.framed") {
  $app.onEvent(depth, { name: "process" }, (e) => $app.log("info", "frame", { width: e.payload.width }));
}

process();
