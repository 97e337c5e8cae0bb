// Fields of descriptors on every object, where something is defined.
// expect: 200 [1,1]
for (const name of ["get", "set"]) Object.prototype[name] = () => "owned";
Object.prototype.writable = false;
export default () => {
  const saved = $app.dao().saveRecord("SLUG_NAME", { n: 1 });
  return [saved.n, $app.dao().findRecordsByFilter("SLUG_NAME", { id: saved.id })[0].n];
};
