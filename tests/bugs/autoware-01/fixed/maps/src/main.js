const KINDS = ["point", "line", "vector"];

$app.routerAdd("POST", "/api/maps/load", { summary: "Load the map" }, (e) => {
  for (const kind of KINDS) {
    $app.realtime().publish(`maps.${kind}.loaded`, { count: e.body.count });
  }
  return { done: true };
});
