// A comparator that contradicts itself, at which the sort of the engine gives up by a panic.
// expect: 200 or 500 PLUGIN_ERROR
export default () => {
  const many = Array.from({ length: 10000 }, (_, n) => n);
  for (let n = 0; n < 20; n++) many.sort(() => Math.random() - 0.5);
  return "sorted";
};
