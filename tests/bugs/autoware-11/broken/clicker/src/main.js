class Clicker {
  static INPUT = "viewer.point.clicked";

  listen() {
    $app.onEvent(Clicker.INPUT, { name: "click" }, (e) => this.add(e.payload));
  }

  add({ x, y }) {
    $app.log("info", "waypoint", { x, y });
  }
}

new Clicker().listen();
