function level(left: number): string {
  switch (true) {
    case left <= 0:
      return "out";
    case left < 10:
      return "low";
    default:
      return "";
  }
}

$app.routerAdd("POST", "/api/pharmacy/counts", { roles: ["pharmacy.staff"], summary: "Count the stock" }, (e) => {
  const { drug, left } = e.body;
  const at = level(left);
  /** @topics pharmacy.stock.low pharmacy.stock.out */
  if (at !== "") $app.realtime().publish("pharmacy.stock." + at, { drug, left });
  return { drug, left };
});
