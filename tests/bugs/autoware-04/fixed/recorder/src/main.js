import rows from "./rows.json" with { type: "json" };

for (const [topic, type] of rows) {
  $app.onEvent(topic, { name: `record ${type}` }, (e) => $app.log("info", e.topic, { speed: e.payload.speed }));
}
