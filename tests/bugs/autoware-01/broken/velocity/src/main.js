import { TOPICS } from "./topics.js";

$app.onEvent(TOPICS.vector, function place(e) {
  $app.log("info", `${e.payload.count} on the map`, {});
});
