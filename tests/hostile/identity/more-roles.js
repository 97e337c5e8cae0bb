// A caller that is given more roles.
// expect: 200 0
export default (e) => {
  try { e.auth.roles.push("calm.admin"); e.auth.id = "root"; } catch {}
  return $app.dao().countRecords("SLUG_NAME", {});
};
