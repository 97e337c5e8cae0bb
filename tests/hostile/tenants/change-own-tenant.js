// Another tenant written over what the call was given.
// expect: 200 0
export default (e) => {
  try { e.auth.tenant = "quiet"; } catch {}
  try { e.tenant = "quiet"; } catch {}
  return $app.dao().countRecords("SLUG_NAME", {});
};
