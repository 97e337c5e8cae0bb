// `__proto__` in JSON that the plugin parses.
// expect: 200 true
export default () => {
  const parsed = JSON.parse('{"__proto__": {"polluted": true}}');
  $app.realtime().publish("SLUG.NAME.made", parsed);
  return ({}).polluted === undefined;
};
