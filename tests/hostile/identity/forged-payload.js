// An event whose payload claims who it is from.
// expect: 200 "sent"
export default () => $app.realtime().publish("SLUG.NAME.made", {
  tenant: "quiet", publisher: "plugin:calm", id: "1", sequence: 1, time: 0, traceparent: "00-0-0-00", signature: "x",
}) && "sent";
