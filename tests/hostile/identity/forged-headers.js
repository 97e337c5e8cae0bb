// An event whose headers claim who it is from.
// expect: 200 "sent" or 500 PAYLOAD_INVALID or 500 PLUGIN_ERROR
export default () => $app.realtime().publish("SLUG.NAME.made", {}, { headers: {
  tenant: "quiet", publisher: "plugin:calm", actor: "root", "x-tenant": "quiet", traceparent: "00-0-0-00", sequence: "1",
} }) && "sent";
