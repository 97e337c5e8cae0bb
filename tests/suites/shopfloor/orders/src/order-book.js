const RUNNING = "machines.state.running";

export class OrderBook {
  static RESERVE = "warehouse.material.reserve.request";
  #bus;

  constructor(bus) {
    this.#bus = bus;
  }

  plan(article, pieces, machine) {
    const orderId = $app.uuid();
    $app.dao().saveRecord("orders_orders", { orderId, article, pieces, machine, status: "planned" });
    $app.request(OrderBook.RESERVE, { orderId, article, pieces }, { timeout: "1m", continue: "orders.reserved", context: { orderId } });
    return orderId;
  }

  release(orderId) {
    const { article, pieces } = this.#become(orderId, "released");
    this.#bus.say("released", { orderId, article, pieces });
  }

  finish(orderId, pieces) {
    this.#become(orderId, "finished");
    this.#bus.say("finished", { orderId, pieces });
  }

  scrap(orderId, pieces) {
    this.#become(orderId, "scrapped");
    this.#bus.say("scrapped", { orderId, pieces });
  }

  follow() {
    $app.onEvent(RUNNING, { name: "start" }, (e) => this.#start(e.payload.machine));
    $app.onOutcome("orders.reserved", ({ outcome, context }) => {
      if (outcome === "ok") this.release(context.orderId);
    });
  }

  #start(machine) {
    const order = $app.dao().findFirstRecordByFilter("orders_orders", { machine, status: "released" });
    if (!order) return;
    this.#become(order.orderId, "started");
    this.#bus.say("started", { orderId: order.orderId, machine });
  }

  #become(orderId, status) {
    const dao = $app.dao();
    const order = dao.findFirstRecordByFilter("orders_orders", { orderId });
    if (!order) throw new AppError("ORDER_NOT_FOUND", `there is no order ${orderId}`, { status: 404 });
    return dao.saveRecord("orders_orders", { ...order, status });
  }
}
