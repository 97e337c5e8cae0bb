$app.onEvent("gl.journal.post.request", (e) => {
  if (e.payload.id > 0) {
    e.reply({ id: e.payload.id });
  } else {
    e.reject({ id: 0 });
  }
});
