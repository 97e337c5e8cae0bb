const ROLES = { roles: ["orders.planner"] };

export function routes(book) {
  const verbs = {
    finish: (e) => book.finish(e.params.id, e.body.pieces),
    scrap: (e) => book.scrap(e.params.id, e.body.pieces),
  };
  $app.routerAdd("POST", "/api/orders/orders", { ...ROLES, summary: "Plan an order" }, (e) => {
    const { article, pieces, machine } = e.body;
    e.setStatus(201);
    return { orderId: book.plan(article, pieces, machine) };
  });
  for (const [verb, act] of Object.entries(verbs)) {
    $app.routerAdd("POST", `/api/orders/orders/{id}/${verb}`, { ...ROLES, summary: `To ${verb} an order` }, (e) => {
      act(e);
      return { done: verb };
    });
  }
}
