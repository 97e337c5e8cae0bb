$app.routerAdd("POST", "/api/gl/journals", (e) => {
  $app.realtime().publish("gl.journal.posted", { id: 1 });
  // tl-allow TL304: the archive reads these by hand
  $app.realtime().publish("gl.journal.archived", { id: 1 });
  $app.realtime().publsh("gl.journal.posted", { id: 1 });
});
