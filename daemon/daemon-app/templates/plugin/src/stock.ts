// What is in stock, by name.
$app.onEvent("{{slug}}.item.added", function addToStock(e) {
  const { name, quantity } = e.payload;
  $app.dao().addToRecords("{{table}}_stock", [{ id: name, quantity }], ["quantity"]);
});

$app.routerAdd("GET", "/api/{{slug}}/stock/{name}", {
  summary: "What is in stock of an item", tags: ["stock"], roles: ["{{slug}}.clerk", "{{slug}}.viewer"], readOnly: true,
}, (e) => {
  const { name } = e.params;
  const stock = $app.dao().findRecordsByIds("{{table}}_stock", [name])[0];
  if (!stock) throw new AppError("NOT_IN_STOCK", `there is no ${name}`, { status: 404 });
  return { name, quantity: stock.quantity };
});
