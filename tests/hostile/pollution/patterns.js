// Patterns that find nothing, and texts that split into nothing.
// expect: 200 7
RegExp.prototype.exec = () => null;
RegExp.prototype[Symbol.replace] = RegExp.prototype[Symbol.split] = () => "owned";
for (const name of ["split", "slice", "startsWith", "toLowerCase", "charCodeAt", "replace", "trim"]) String.prototype[name] = () => "owned";
export default () => {
  const { id } = $app.dao().saveRecord("SLUG_NAME", { n: 7 });
  return $app.dao().findFirstRecordByFilter("SLUG_NAME", "id = {:id}", { id }).n;
};
