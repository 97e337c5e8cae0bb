// Names are put together the way the node did it: prefix, name, event.
const names = ["pose"].map((name) => ["localizer", name, "found"].join("."));

names.forEach((name) => {
  $app.onEvent(name, { name: `trajectory from ${name}` }, (e) => $app.log("info", "pose", { x: e.payload.x }));
});
