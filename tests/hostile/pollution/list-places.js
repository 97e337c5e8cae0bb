// A first place of every list that keeps nothing.
// expect: 200 [1,true]
Object.defineProperty(Array.prototype, 0, { get: () => "owned", set() {}, configurable: true });
export default () => {
  const saved = $app.dao().saveRecord("SLUG_NAME", { n: 1 });
  const found = $app.dao().findRecordsByFilter("SLUG_NAME", { id: saved.id });
  return [found.length, Object.hasOwn(found, 0) && found[0].id === saved.id];
};
