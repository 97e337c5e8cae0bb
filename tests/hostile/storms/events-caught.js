// The same with the refusal caught: what was allowed is sent, and no more.
// expect: 200 1000
export default () => {
  let sent = 0;
  try { for (;;) { $app.realtime().publish("SLUG.NAME.made", { n: sent }); sent++; } } catch {}
  return sent;
};
