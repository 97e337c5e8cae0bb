// A payload whose field throws: the call ends with the plugin's own error, and nothing of it remains.
// expect: 409 OWN
export default () => {
  $app.dao().saveRecord("SLUG_NAME", { n: 1 });
  $app.realtime().publish("SLUG.NAME.made", { get n() { throw new AppError("OWN", "not this one", { status: 409 }); } });
};
