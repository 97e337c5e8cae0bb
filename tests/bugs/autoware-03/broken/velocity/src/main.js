const SUBSCRIPTIONS = [
  { topic: "lanes.base_waypoint.selected", handler: slowDown },
];

function slowDown(e) {
  $app.log("info", "waypoints", { count: e.payload.count });
}

for (const { topic, handler } of SUBSCRIPTIONS) $app.onEvent(topic, handler);
