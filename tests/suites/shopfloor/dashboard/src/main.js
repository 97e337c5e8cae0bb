// The tiles and what they count stand in tiles.json; this registers one handler for each.
import tiles from "./tiles.json" with { type: "json" };
import { count } from "./count.js";

const consumed = tiles.flatMap((tile) => tile.counts);

for (const topic of consumed) {
  $app.onEvent(topic, { name: `count ${topic}` }, (e) => count(tileOf(e.topic)));
}

function tileOf(topic) {
  return topic.split(".").slice(0, 2).join(" ");
}
