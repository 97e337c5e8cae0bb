$jobs.cron("orders.due", "0 4 * * *", () => {
  $app.realtime().publish("orders.order.due", { orderId: "so-1" });
});
