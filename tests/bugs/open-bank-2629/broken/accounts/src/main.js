$app.routerAdd("POST", "/api/accounts/accounts", { summary: "Report" }, (e) => {
  $app.realtime().publish("accounts.account.created", { id: e.body.id });
  return { done: true };
});
