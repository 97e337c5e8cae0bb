// Thirty objects that are a billion when they are written out.
// expect: 503 PLUGIN_MEMORY or 504 PLUGIN_DEADLINE
export default () => {
  let bomb = "x";
  for (let n = 0; n < 30; n++) bomb = [bomb, bomb];
  return JSON.stringify(bomb).length;
};
