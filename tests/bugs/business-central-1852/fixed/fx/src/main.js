$app.routerAdd("POST", "/api/fx/rates", { summary: "Report" }, (e) => {
  $app.realtime().publish("fx.rate.changed", { currency: e.body.currency });
  return { done: true };
});
