export function persist(id) {
  $app.realtime().publish("pid.identity.verified", { id });
}
