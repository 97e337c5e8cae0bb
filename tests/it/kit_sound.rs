//! `trunkline test` is green only where something was shown: what is refused, misspelt, never run or never over is told.

use crate::kit::{den, passes, test};
use tests::Suite;

#[track_caller]
fn says(suite: &Suite, all: &[&str]) {
    let ran = test(suite.path(), &[]);
    assert_eq!(ran.exit, Some(1), "{}{}", ran.out, ran.err);
    for says in all {
        assert!(ran.out.contains(says), "`{says}` is missing: {}{}", ran.out, ran.err);
    }
}

#[test]
fn refusals_outside_verbs_are_answered_as_a_client_would_be() {
    passes(
        r#"
const asked = (app, method, path, options) => {
  const { status, body } = app.call(method, path, options);
  return [status, body?.code ?? body?.error?.code];
};
test("problem documents", (app) => {
  const records = "/api/collections/den_seen/records";
  const { status, body, data, error } = app.call("GET", `${records}/none`);
  expect([status, data, error]).toEqual([404, null, null]);
  expect(body).toMatchObject({ code: "RECORD_NOT_FOUND", status: 404, instance: `${records}/none` });
  for (const [method, path, wanted] of [
    ["GET", "/api/collections/nowhere/records", 404],
    ["GET", "/api/nowhere", 404],
    ["GET", "/api/_admin/plugins", 403],
    ["GET", "/metrics", 403],
    ["POST", "/api/_tx/reserve", 400],
    ["PUT", records, 405],
    ["GET", `/api/den/greeting?${"x".repeat(9000)}`, 414],
  ]) {
    const [status, code] = asked(app, method, path);
    expect([path.slice(0, 40), status, typeof code]).toEqual([path.slice(0, 40), wanted, "string"]);
  }
  expect(asked(app, "GET", records, { headers: { a: "x".repeat(40000) } })[0]).toBe(431);
});
test("rules of collections", (app) => {
  const records = "/api/collections/den_seen/records";
  expect(asked(app, "POST", records, { body: { what: "new" }, as: { roles: [] } })).toEqual([403, "FORBIDDEN"]);
  expect(asked(app, "POST", records, { body: { what: "new" } })[0]).toBe(201);
  expect(app.records("den_seen")).toHaveLength(1);
});
"#,
    );
    let suite = den(
        r#"test("a", (app) => expect(app.call("GET", "/api/collections/den_seen/records/none").status).toBe(200));"#,
    );
    says(&suite, &["expected 404 to be 200", "records/none was answered 404 RECORD_NOT_FOUND: "]);
}
