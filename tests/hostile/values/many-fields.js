// An object of a million fields as a payload.
// expect: 413 PAYLOAD_TOO_LARGE or 500 PAYLOAD_TOO_LARGE or 504 PLUGIN_DEADLINE or 503 PLUGIN_MEMORY
// deadline: 30s
export default () => {
  const wide = {};
  for (let n = 0; n < 200000; n++) wide[`field${n}`] = n;
  return $app.realtime().publish("SLUG.NAME.made", wide);
};
