// A field that says something else at each look: it is looked at once, so what was checked is what is stored.
// expect: 200 [1,1]
let looks = 0;
export default () => {
  const saved = $app.dao().saveRecord("SLUG_NAME", { get n() { looks += 1; return looks; } });
  return [saved.n, looks];
};
