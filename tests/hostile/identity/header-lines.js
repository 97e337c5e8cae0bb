// Line ends in the headers of an event.
// expect: 200 "sent" or 500 PAYLOAD_INVALID or 500 PLUGIN_ERROR
export default () => $app.realtime().publish("SLUG.NAME.made", {}, { headers: { "a\r\nx-tenant: quiet\r\nb": "c\r\nd" } }) && "sent";
