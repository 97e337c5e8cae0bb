$app.onEvent("tracking.image_obj_tracked_.made", function align(e) {
  $app.log("info", "frame", { frame: e.payload.frame });
});
