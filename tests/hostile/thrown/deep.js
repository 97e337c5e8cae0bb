// An object ten thousand levels deep, which cannot be written out.
// expect: 500 PLUGIN_ERROR
export default () => {
  let deep = {};
  for (let n = 0; n < 1e4; n++) deep = { deep };
  throw deep;
};
