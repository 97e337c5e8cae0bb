// Items: added and listed.
const CLERKS: Trunkline.Role[] = ["{{slug}}.clerk"];
const READERS: Trunkline.Role[] = ["{{slug}}.clerk", "{{slug}}.viewer"];

$app.routerAdd("POST", "/api/{{slug}}/items", {
  request: "contracts/item.json", summary: "Add an item", tags: ["items"], roles: CLERKS,
}, (e) => {
  const item = $app.dao().saveRecord("{{table}}_items", { name: e.body.name, quantity: e.body.quantity ?? 1 });
  // Stored together with the item, or not at all.
  $app.realtime().publish("{{slug}}.item.added", { itemId: item.id, name: item.name, quantity: item.quantity });
  e.setStatus(201);
  return item;
});

$app.routerAdd("GET", "/api/{{slug}}/items", {
  summary: "The items by name", tags: ["items"], roles: READERS, readOnly: true,
}, () => ({ items: $app.dao().findRecordsByFilter("{{table}}_items", {}, { sort: "name", limit: 100 }) }));
