// The names under which the daemon keeps its own.
// expect: 200 0
export default () => ["events", "tokens", "audit", "_tokens", "identity", "_admin_tokens", ""].filter((name) => {
  try { return $app.dao().findRecordsByFilter(name, {}); } catch { return false; }
}).length;
