import { TOPICS } from "./topics.js";

$app.onEvent(TOPICS.line, function place(e) {
  $app.log("info", `${e.payload.count} on the map`, {});
});
