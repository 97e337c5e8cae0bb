// A payload that would settle itself, if anybody waited for it.
// expect: 500 VALUE_UNSUPPORTED
export default () => $app.realtime().publish("SLUG.NAME.made", { then(resolve) { resolve({}); } });
