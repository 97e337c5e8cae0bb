// An iterator of lists that gives nothing.
// expect: 200 0
export default () => {
  Array.prototype[Symbol.iterator] = function* () {};
  $app.realtime().publish("SLUG.NAME.made", { list: [1, 2, 3] });
  return $app.dao().countRecords("SLUG_NAME", {});
};
