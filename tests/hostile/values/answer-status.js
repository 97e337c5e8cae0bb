// Statuses that are none.
// expect: 500 PLUGIN_ERROR
// says: status
export default (e) => {
  for (const status of [0, 99, 101, 600, 1e9, -1, NaN, 200.5, "200", {}]) {
    try { e.setStatus(status); } catch { continue; }
    return `took ${String(status)}`;
  }
  e.json(1000, 1);
};
