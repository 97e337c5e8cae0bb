// A record with a field `__proto__` of its own.
// expect: 422 RECORD_INVALID
export default () => $app.dao().saveRecord("SLUG_NAME", JSON.parse('{"n": 1, "__proto__": {"n": 2}}'));
