// Which topic goes to which text stands in wiring.json, so that a new notice needs no code here.
import wiring from "./wiring.json" with { type: "json" };
import * as texts from "./texts.ts";
import { queue } from "./queue.ts";

for (const entry of wiring) {
  $app.onEvent(entry.topic, { name: entry.handler }, (e) => {
    queue(e.payload.patientId, texts[entry.handler](e.payload));
  });
}
