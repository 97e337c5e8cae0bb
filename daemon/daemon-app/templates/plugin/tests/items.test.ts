// `trunkline test` runs these: each on an empty store, with a clock that stands still.
const item = (quantity: number) => ({ name: "nails", quantity });

test("an item that is added is in stock", (app) => {
  expect(app.call("POST", "/api/{{slug}}/items", { body: item(2) }).status).toBe(201);
  app.call("POST", "/api/{{slug}}/items", { body: item(3) });
  expect(app.call("GET", "/api/{{slug}}/stock/nails").data).toEqual({ name: "nails", quantity: 5 });
  expect(app.call("GET", "/api/{{slug}}/items").data.items).toHaveLength(2);
});

test("an event that is delivered twice counts once", (app) => {
  app.duplicate("{{slug}}.item.added");
  app.call("POST", "/api/{{slug}}/items", { body: item(2) });
  expect(app.record("{{table}}_stock", "nails").quantity).toBe(2);
});

test("a crash between the item and its stock loses nothing", (app) => {
  app.crash(() => app.call("POST", "/api/{{slug}}/items", { body: item(2) }));
  expect(app.record("{{table}}_stock", "nails").quantity).toBe(2);
});

test("who may only look cannot add", (app) => {
  const answer = app.call("POST", "/api/{{slug}}/items", { body: item(2), as: { roles: ["{{slug}}.viewer"] } });
  expect(answer.status).toBe(403);
  expect(app.events("{{slug}}.item.added")).toHaveLength(0);
});

test("what is not there is said so", (app) => {
  expect(app.call("GET", "/api/{{slug}}/stock/screws").error?.code).toBe("NOT_IN_STOCK");
  expect(app.call("POST", "/api/{{slug}}/items", { body: item(0) }).status).toBe(422);
});
