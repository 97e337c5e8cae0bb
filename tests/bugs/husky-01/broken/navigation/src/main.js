import { remap } from "./remap.js";

$app.onEvent(remap.get.scan, function avoid(e) {
  $app.log("info", "scan", { rays: e.payload.rays });
});
