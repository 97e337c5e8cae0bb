// A body of sixty-five levels, made by the plugin and published.
// expect: 500 VALUE_UNSUPPORTED
export default () => {
  let deep = 1;
  for (let n = 0; n < 200; n++) deep = [deep];
  return $app.realtime().publish("SLUG.NAME.made", { deep });
};
