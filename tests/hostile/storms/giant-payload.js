// A payload of two megabytes.
// expect: 413 PAYLOAD_TOO_LARGE or 500 PAYLOAD_TOO_LARGE
export default () => $app.realtime().publish("SLUG.NAME.made", { text: "x".repeat(2000000) });
