// Methods of lists that say what the plugin likes; the host asks none of them.
// expect: 500 PERMISSION_DENIED
export default () => {
  Array.prototype.includes = () => true;
  Array.prototype.indexOf = () => 0;
  Array.prototype.map = Array.prototype.filter = () => [];
  return $app.dao().findRecordById(["calm", "secrets"].join("_"), "x");
};
