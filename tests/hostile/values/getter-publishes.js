// A payload with a getter that publishes: a call within a call of the host.
// expect: 200 1
export default () => {
  let sent = 0;
  $app.realtime().publish("SLUG.NAME.made", { get n() { sent++; $app.realtime().publish("SLUG.NAME.made", {}); return sent; } });
  return sent;
};
