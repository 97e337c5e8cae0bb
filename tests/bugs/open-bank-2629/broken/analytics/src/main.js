import channels from "./channels.json" with { type: "json" };

for (const { topic, table } of Object.values(channels)) {
  $app.onEvent(topic, { name: table }, (e) => $app.log("info", table, { id: e.payload.id }));
}
