import { DEFAULTS } from "./defaults.js";

$app.onEvent(DEFAULTS.input, function avoid(e) {
  $app.log("info", "objects ahead", { count: e.payload.count });
});
