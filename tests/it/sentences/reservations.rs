//! Reservations, docs/src/reservations.md.

use super::hold;
use serde_json::json;
use tests::{Start, Suite};

const HEAD: &str = "
schema: schema.json
permissions: [records:own]
roles: [{name: silo.user, billable: false, grants: [silo.use]}]
";
const SCHEMA: &str = r#"{"collections": [
  {"name": "silo_bins", "fields": [{"name": "left", "type": "integer"}, {"name": "name", "type": "string"}, {"name": "state", "type": "string"}],
   "rules": {"list": "", "view": "state != 'secret'", "create": "name != ''", "update": "state = 'open'", "delete": ""}},
  {"name": "silo_looked", "fields": [{"name": "n", "type": "integer"}]}]}"#;
const CODE: &str = r#"
const left = () => $app.dao().findRecordById("silo_bins", "b").left;
$app.onRecord("before", "update", "silo_bins", (e) => { $app.dao().saveRecord("silo_looked", { n: e.record.left }); });
$app.routerAdd("POST", "/api/silo/reserve", (e) => ({ ...$app.reserve(e.body.resource ?? "silo_bins/b/left", e.body.amount ?? 1, e.body.options), left: left() }));
$app.routerAdd("POST", "/api/silo/confirm", (e) => $app.confirm(e.body));
$app.routerAdd("POST", "/api/silo/release", (e) => $app.release(e.body));
"#;
const OTHER: &str = r#"
$app.routerAdd("POST", "/api/barn/reserve", (e) => $app.reserve("barn_bins/b/left", 1, { key: "k" }));
$app.routerAdd("POST", "/api/barn/end", (e) => $app[e.body.how](e.body.id));
"#;
const BARN: &str = r#"{"collections": [{"name": "barn_bins", "fields": [{"name": "left", "type": "integer"}]}]}"#;
const TESTS: &str = r#"
const MINUTE = 60_000;
const call = (app, how, body) => app.call("POST", `/api/silo/${how}`, { body });
const reserve = (app, body) => call(app, "reserve", body ?? {});
const bin = (app) => app.save("silo_bins", { id: "b", left: 10, state: "open" });
const left = (app) => app.record("silo_bins", "b").left;

test("a reservation has these fields, and the amount has left at once", (app) => {
  bin(app);
  const { left: seen, ...held } = reserve(app, { amount: 3, options: { ttl: 90_000 } }).data;
  expect(seen).toBe(7);
  expect(Object.keys(held).sort()).toEqual(["amount", "duplicate", "expires", "id", "resource", "state"]);
  expect(held).toMatchObject({ resource: "silo_bins/b/left", amount: 3, state: "held", expires: new Date(app.now() + 90_000).toISOString(), duplicate: false });
  const confirmed = call(app, "confirm", held).data;
  expect(confirmed).toEqual({ ...held, state: "confirmed" });
  expect(call(app, "confirm", held.id).data).toEqual({ ...held, state: "confirmed", duplicate: true });
});
test("without a ttl it is held a quarter of an hour", (app) => {
  bin(app);
  const { id } = reserve(app).data;
  app.advance(15 * MINUTE - 1);
  expect(left(app)).toBe(9);
  app.advance(1);
  expect(left(app)).toBe(10);
  expect(call(app, "release", id).data).toMatchObject({ state: "expired", duplicate: true });
  expect(call(app, "confirm", id).error).toMatchObject({ code: "RESERVATION_ENDED", details: { id, state: "expired" } });
});
test("a ttl is at most RESERVATION_MS_MAX, and a key at most 255 bytes", (app) => {
  bin(app);
  expect(reserve(app, { options: { ttl: "30d" } }).status).toBe(200);
  expect(reserve(app, { options: { ttl: 30 * 24 * 60 * MINUTE + 1 } }).error.message).toMatch("RESERVATION_MS_MAX");
  expect(reserve(app, { options: { ttl: 0 } }).error.message).toMatch("from 1 ms");
  expect(reserve(app, { options: { key: "k".repeat(255) } }).status).toBe(200);
  for (const key of ["", "k".repeat(256)]) expect(reserve(app, { options: { key } }).error.message).toMatch("1 to 255 bytes");
});
test("the same key is the same reservation, whatever has become of it, until it is forgotten", (app) => {
  bin(app);
  const key = { options: { key: "order", ttl: "1h" } };
  const { id } = reserve(app, key).data;
  call(app, "release", id);
  expect(reserve(app, key).data).toMatchObject({ id, state: "released", duplicate: true, left: 10 });
  expect(reserve(app, { amount: 2, ...key }).error.code).toBe("idempotency_conflict");
  app.advance("24h");
  expect(reserve(app, key).data.duplicate).toBe(true);
  app.advance("1h");
  expect(call(app, "release", id).error.code).toBe("NOT_FOUND");
  expect(reserve(app, key).data).toMatchObject({ duplicate: false, left: 9 });
});
test("what cannot be reserved is an error of the record", (app) => {
  bin(app);
  for (const field of ["name", "nothing", "id", "revision"]) expect([field, reserve(app, { resource: `silo_bins/b/${field}` }).error.code]).toEqual([field, "RECORD_INVALID"]);
  expect(reserve(app, { resource: "silo_bins/none/left" }).error.code).toBe("RECORD_NOT_FOUND");
  expect(reserve(app, { amount: 11 })).toMatchObject({ status: 409, error: { code: "NOT_ENOUGH", details: { resource: "silo_bins/b/left", wanted: 11, available: 10 } } });
  expect(app.records("silo_looked")).toEqual([]);
});
test("hooks before an update are not asked", (app) => {
  bin(app);
  call(app, "release", reserve(app).data.id);
  reserve(app, { options: { ttl: "1m" } });
  app.advance("2m");
  expect([left(app), app.records("silo_looked")]).toEqual([10, []]);
});
test("another plugin's reservation is not there", { with: ["barn"] }, (app) => {
  bin(app);
  app.save("barn_bins", { id: "b", left: 5 });
  const { id } = reserve(app, { options: { key: "k" } }).data;
  const theirs = app.call("POST", "/api/barn/reserve").data;
  expect([theirs.duplicate, theirs.id === id]).toEqual([false, false]);
  for (const how of ["confirm", "release"]) expect(app.call("POST", "/api/barn/end", { body: { how, id } }).error.code).toBe("NOT_FOUND");
  expect(left(app)).toBe(9);
});
"#;

fn suite() -> Suite {
    let suite = Suite::new().plugin("silo", HEAD, CODE).file("silo/schema.json", SCHEMA);
    suite.plugin("barn", &HEAD.replace("silo", "barn"), OTHER).file("barn/schema.json", BARN)
}

#[test]
fn what_the_page_says_of_reservations_holds() {
    hold(&suite().file("silo/tests/reservations.test.js", TESTS));
}

#[test]
fn over_http_the_rule_for_updates_decides_who_may_reserve() {
    let daemon = Start::suite(suite()).run();
    let client = daemon.client();
    let bin = |state: &str| {
        let made = json!({"name": "n", "left": 5, "state": state});
        let made = client.post("/api/collections/silo_bins/records", &made).expect_status(201).body;
        format!("silo_bins/{}/left", made["id"].as_str().expect("an id"))
    };
    let reserve = |of: &str| client.post("/api/_tx/reserve", &json!({"resource": of, "amount": 2, "key": of}));
    let end = |how: &str, id: &serde_json::Value| client.post(&format!("/api/_tx/{how}"), &json!({"id": id}));
    let open = bin("open");
    let held = reserve(&open).expect_status(201).body;
    let mut fields: Vec<&str> = held.as_object().expect("an object").keys().map(String::as_str).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["amount", "duplicate", "expires", "id", "resource", "state"]);
    assert_eq!(reserve(&open).expect_status(201).body["duplicate"], true);
    assert_eq!(end("release", &held["id"]).expect_status(200).body["state"], "released");
    reserve(&bin("closed")).expect_error(403, "FORBIDDEN");
    reserve(&bin("secret")).expect_error(404, "RECORD_NOT_FOUND");
    // Whoever may not change the record any more ends no reservation of it either.
    let held = reserve(&bin("open")).expect_status(201).body;
    let record = held["resource"].as_str().and_then(|of| of.split('/').nth(1)).expect("a record").to_owned();
    let path = format!("/api/collections/silo_bins/records/{record}");
    client.patch(&path, &json!({"state": "closed"})).expect_status(200);
    end("confirm", &held["id"]).expect_error(403, "FORBIDDEN");
}
