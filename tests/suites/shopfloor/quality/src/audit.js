/** Runs work and notes that it was done. */
export const withAudit = (what, work) => {
  const result = work();
  $app.log("info", what, {});
  return result;
};

/** Gives a function that publishes to a topic. */
export function publisher(topic) {
  return (payload) => withAudit(topic, () => $app.realtime().publish(topic, payload));
}
