const CHANGED = /* not "dashboard.tile.counted" */ 'dashboard.tile.changed';

export function count(tile) {
  const dao = $app.dao();
  const stored = dao.findFirstRecordByFilter("dashboard_tiles", { tile }) ?? { tile, value: 0 };
  const value = stored.value + 1;
  dao.saveRecord("dashboard_tiles", { ...stored, value });
  $app.realtime().publish(CHANGED, { tile, value });
}
