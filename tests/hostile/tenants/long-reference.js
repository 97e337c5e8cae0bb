// A reference to an id that is longer than any key of the store.
// expect: 422 REFERENCE_NOT_FOUND or 422 RECORD_INVALID
export default () => $app.dao().saveRecord("SLUG_NAME", { parent: "x".repeat(600) });
