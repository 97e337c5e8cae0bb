// Fields that every object now has, where the host looks for options.
// expect: 200 "quiet" or 200 null
export default () => {
  Object.prototype.status = 200;
  Object.prototype.key = "stolen";
  Object.prototype.tenant = "quiet";
  Object.prototype.delay = "1h";
  const { id } = $app.dao().saveRecord("SLUG_NAME", { text: "mine" });
  return $app.dao().findRecordById("SLUG_NAME", id).tenant;
};
