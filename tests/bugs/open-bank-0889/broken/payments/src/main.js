// Due orders arrive as orders.order.due and are executed here.
export function execute(e) {
  $app.log("info", "pay", { orderId: e.payload.orderId });
}
