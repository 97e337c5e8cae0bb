// Options whose fields are made up as they are asked for.
// expect: 200 or 500 PLUGIN_ERROR or 500 VALUE_UNSUPPORTED
export default () => $app.realtime().publish("SLUG.NAME.made", {}, new Proxy({}, { get: () => "1h", has: () => true, ownKeys: () => ["key", "delay", "tenant"] }));
