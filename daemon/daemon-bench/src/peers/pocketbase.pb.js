// PocketBase's side: the same verbs as the bench suite's plugin, written as its guide writes them.
// Handlers run in a pool of engines, so each looks its collection up itself.

onBootstrap((e) => {
  e.next();
  try {
    $app.findCollectionByNameOrId("items");
  } catch {
    $app.save(new Collection({
      type: "base",
      name: "items",
      createRule: "",
      viewRule: "",
      fields: [
        { name: "title", type: "text", required: true },
        { name: "amount", type: "number" },
        { name: "note", type: "text" },
      ],
    }));
  }
});

routerAdd("GET", "/bench/constant", (e) => e.json(200, { ok: true }));

routerAdd("GET", "/bench/items/{id}", (e) => e.json(200, $app.findRecordById("items", e.request.pathValue("id"))));

routerAdd("GET", "/bench/count", (e) => e.json(200, { count: $app.countRecords("items") }));

routerAdd("POST", "/bench/items", (e) => {
  const body = e.requestInfo().body;
  const item = new Record($app.findCollectionByNameOrId("items"));
  if (body.id) item.set("id", body.id);
  item.set("title", body.title);
  item.set("amount", body.amount);
  item.set("note", body.note);
  $app.save(item);
  return e.json(201, { id: item.id });
});
