// Log lines of what cannot be written out: they say so, and the call goes on.
// expect: 200
export default () => {
  let deep = {};
  for (let n = 0; n < 1e4; n++) deep = { deep };
  let wide = {};
  for (let n = 0; n < 40; n++) wide = { a: wide, b: wide };
  $app.log("info", "deep", deep);
  $app.log(deep);
  console.log(deep, [deep], new Map([[deep, deep]]), () => deep);
  $app.log("info", "wide", new Map([[1, wide]]));
  return "logged";
};
