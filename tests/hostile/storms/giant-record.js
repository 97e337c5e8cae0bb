// A record of two megabytes.
// expect: 422 RECORD_INVALID or 400 RECORD_INVALID or 500 RECORD_INVALID
export default () => $app.dao().saveRecord("SLUG_NAME", { text: "x".repeat(2000000) });
