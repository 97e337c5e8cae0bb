// The same as the answer of a call.
// expect: 500 VALUE_UNSUPPORTED or 503 PLUGIN_MEMORY or 504 PLUGIN_DEADLINE
export default () => {
  let bomb = "x";
  for (let n = 0; n < 30; n++) bomb = [bomb, bomb];
  return bomb;
};
