//! `trunkline test`: what a plugin's own tests can show, and what is said when they fail.

use serde_json::Value;
use std::path::Path;
use std::process::Command;
use tests::Suite;
use tests::binary::{self, ledger_example};
use tests::daemon::{Ran, run};

const HEAD: &str = "
schema: schema.json
topics:
  den.thing.made: {kind: event, version: 1.0.0, schema: made.json, visibility: public, key: /no, retry: {attempts: 3, backoff: 1m, cap: 1h}}
  den.thing.fading: {kind: event, version: 1.0.0, schema: made.json, visibility: public, ttl: 1h}
publishes: [den.thing.made, den.thing.fading]
consumes: [den.thing.made, den.thing.fading]
permissions: [events:publish, events:subscribe, records:own, jobs]
roles: [{name: den.user, billable: false, grants: [den.use]}]
";
const SCHEMA: &str = r#"{"collections": [{"name": "den_seen", "fields": [
    {"name": "what", "type": "string", "required": true}, {"name": "at", "type": "integer"}, {"name": "n", "type": "integer"}]}]}"#;
const MADE: &str = r#"{"type": "object", "required": ["no"], "properties": {"no": {"type": "integer"}, "fails": {"type": "integer"}}}"#;
const CODE: &str = r#"
let runs = 0;
const saw = (what, n) => $app.dao().saveRecord("den_seen", { what, at: $app.now(), n });
$app.routerAdd("POST", "/api/den/things", { roles: ["den.user"] }, (e) => {
  $app.realtime().publish("den.thing.made", e.body);
  return { id: $app.uuid(), at: $app.now() };
});
$app.routerAdd("POST", "/api/den/later", () => $jobs.enqueue("work", { a: 1 }, { delay: "2h" }));
$app.onEvent("den.thing.made", function see(e) {
  runs += 1;
  if (e.attempt <= (e.payload.fails ?? 0)) throw new AppError("NOT_YET", "not yet");
  saw(`made ${e.payload.no} try ${e.attempt}`, runs);
});
$app.onEvent("den.thing.fading", function fade(e) { saw("faded"); });
$jobs.register("work", (job) => { saw(`worked ${job.args.a}`); });
$jobs.cron("morning", "0 6 * * *", () => { saw("morning"); });
"#;

fn den(tests: &str) -> Suite {
    let suite = Suite::new().plugin("den", HEAD, CODE).file("den/schema.json", SCHEMA).file("den/made.json", MADE);
    suite.file("den/tests/all.test.js", tests)
}

fn test(folder: &Path, args: &[&str]) -> Ran {
    run(Command::new(binary::trunkline()).arg("test").arg(folder).args(args))
}

#[track_caller]
fn passes(tests: &str) {
    let suite = den(tests);
    let ran = test(suite.path(), &[]);
    assert_eq!(ran.exit, Some(0), "{}{}", ran.out, ran.err);
    assert_eq!(ran.err, "");
    let again = test(suite.path(), &["--out", "json"]).out;
    assert_eq!(again, test(suite.path(), &["--out", "json"]).out, "the same tests give the same bytes");
}

#[test]
fn jobs_schedules_retries_and_times_to_live_come_due_as_time_goes_by() {
    passes(
        r#"
const seen = (app) => app.records("den_seen", {}, { sort: "at" }).map((it) => [it.what, (it.at - app.now()) / 3600000]);
test("a job runs at its time", (app) => {
  const began = app.now();
  app.call("POST", "/api/den/later");
  expect(app.jobs().find((job) => job.kind === "work").dueAt).toBe(began + 7200000);
  app.advance("119m");
  expect(seen(app)).toEqual([]);
  app.advance("1m");
  expect(seen(app)).toEqual([["worked 1", 0]]);
});
test("a schedule runs each morning", (app) => {
  app.advance("72h");
  expect(app.records("den_seen").map((it) => new Date(it.at).toISOString().slice(11, 16))).toEqual(["06:00", "06:00", "06:00"]);
});
test("a handler that fails is tried again, at most as often as the contract says", (app) => {
  app.call("POST", "/api/den/things", { body: { no: 1, fails: 2 } });
  app.call("POST", "/api/den/things", { body: { no: 2, fails: 9 } });
  expect(seen(app)).toEqual([]);
  app.advance("10m");
  expect(seen(app).map(([what]) => what)).toEqual(["made 1 try 3"]);
  expect(app.deadLetters()).toMatchObject([{ topic: "den.thing.made", subscription: "den/see", attempts: 3, code: "NOT_YET" }]);
});
test("an event that comes too late is a dead letter", (app) => {
  app.slow("den.thing.fading", "2h");
  app.publish("den.thing.fading", { no: 1 }, { delay: "30m" });
  app.advance("29m");
  expect(seen(app)).toEqual([]);
  app.advance("3h");
  expect(seen(app).map(([what]) => what)).toEqual(["faded"]);
  app.hold("den.thing.fading");
});
"#,
    );
}

#[test]
fn deliveries_are_doubled_held_back_turned_round_delayed_and_lost_in_a_crash() {
    passes(
        r#"
const seen = (app) => app.records("den_seen", {}, { sort: "n" }).map((it) => it.what);
const make = (app, no) => app.call("POST", "/api/den/things", { body: { no } });
test("twice delivered has its effect once", (app) => {
  app.duplicate("den.thing.made");
  make(app, 1);
  make(app, 2);
  expect(seen(app)).toEqual(["made 1 try 1", "made 2 try 1"]);
  expect(app.records("den_seen", {}, { sort: "n" }).map((it) => it.n)).toEqual([1, 3]);
});
test("keys may come the other way round", (app) => {
  app.hold("den.thing.*");
  [1, 2, 3].forEach((no) => make(app, no));
  expect(seen(app)).toEqual([]);
  expect(app.release({ order: "reverse" })).toBe(3);
  expect(seen(app)).toEqual(["made 3 try 1", "made 2 try 1", "made 1 try 1"]);
  make(app, 4);
  expect(seen(app)).toHaveLength(4);
});
test("slow is late", (app) => {
  app.slow("den.thing.made", "5s");
  make(app, 1);
  app.advance("4s");
  expect(seen(app)).toEqual([]);
  app.advance("1s");
  expect(seen(app)).toEqual(["made 1 try 1"]);
});
test("a crash between commit and delivery loses nothing, and module variables are gone", (app) => {
  make(app, 1);
  app.crash(() => make(app, 2));
  expect(app.records("den_seen", {}, { sort: "what" }).map((it) => [it.what, it.n])).toEqual([["made 1 try 1", 1], ["made 2 try 1", 1]]);
  expect(app.events("den.thing.made")).toHaveLength(2);
});
"#,
    );
}

#[test]
fn events_and_records_are_given_and_verbs_called_as_somebody() {
    passes(
        r#"
test("an event of another is heard as its", (app) => {
  const first = app.publish("den.thing.made", { no: 7 }, { from: "ear", id: "given-1", headers: { a: 1 } });
  expect(first).toEqual({ id: "given-1", duplicate: false });
  expect(app.publish("den.thing.made", { no: 7 }, { from: "ear", id: "given-1" }).duplicate).toBe(true);
  expect(app.events("den.thing.made")).toMatchObject([{ id: "given-1", publisher: "plugin:ear", key: "7", causationId: null }]);
  expect(() => app.publish("den.thing.made", { no: "seven" })).toThrow("PAYLOAD_INVALID");
  expect(() => app.publish("den.thing.gone", {})).toThrow("TOPIC_UNKNOWN");
});
test("records are there before", (app) => {
  const saved = app.save("den_seen", { id: "s1", what: "before" });
  expect(saved).toMatchObject({ id: "s1", what: "before", revision: 1 });
  expect(app.save("den_seen", { id: "s1", what: "after" }).revision).toBe(2);
  expect(app.record("den_seen", "s1").what).toBe("after");
  expect(app.record("den_seen", "gone")).toBeNull();
  expect(app.records("den_seen", "what = 'after'")).toHaveLength(1);
  expect(() => app.save("den_seen", { n: 1 })).toThrow("RECORD_INVALID");
});
test("callers hold the roles they are given", (app) => {
  expect(app.call("POST", "/api/den/things", { body: { no: 1 } }).status).toBe(200);
  expect(app.call("POST", "/api/den/things", { body: { no: 1 }, as: { roles: [] } }).error.code).toBe("FORBIDDEN");
  expect(app.call("GET", "/api/den/nowhere").status).toBe(404);
});
"#,
    );
}

#[test]
fn a_failure_says_what_was_expected_where_and_the_difference() {
    let suite = den(r#"
test("passes", () => expect([1, { a: 2 }]).toEqual([1, { a: 2, b: undefined }]));
test("differs", (app) => {
  console.log("before it fails");
  expect({ name: "nails", list: [1, 2] }).toEqual({ name: "nails", list: [1, 3] });
});
test("throws", () => { null.x; });
test("misuses", (app) => app.advance("soon"));
test("is rejected", async () => { await Promise.reject(new AppError("LATE", "too late")); });
"#);
    let ran = test(suite.path(), &[]);
    assert_eq!(ran.exit, Some(1), "{}{}", ran.out, ran.err);
    for says in [
        "den/tests/all.test.js",
        "ok    passes",
        "FAIL  differs",
        r#"expected {"name":"nails","list":[1,2]} to equal {"name":"nails","list":[1,3]}"#,
        "at tests/all.test.js:5:",
        "-     3",
        "+     2",
        "info: before it fails",
        "FAIL  throws",
        "TypeError",
        "at tests/all.test.js:7:",
        "TEST_MISUSE",
        "LATE: too late",
        "den reached: verbs 0/2, handlers 0/2",
        "1 passed, 4 failed",
    ] {
        assert!(ran.out.contains(says), "`{says}` is missing: {}", ran.out);
    }
    assert!(!ran.out.contains("kit.js"), "{}", ran.out);
    let one = test(suite.path(), &["--filter", "pass"]);
    assert_eq!(one.exit, Some(0), "{}", one.out);
    assert!(one.out.contains("1 passed, 0 failed"), "{}", one.out);
}

#[test]
fn reports_are_for_programs_too() {
    let suite = den("test('fine', () => 0);\ntest('not <fine>', () => expect(1).toBe(2));\n");
    let junit = suite.path().join("junit.xml");
    let to_file = format!("junit={}", junit.display());
    let ran = test(suite.path(), &["--out", "json", "--out", &to_file]);
    assert_eq!(ran.exit, Some(1));
    let report: Value = serde_json::from_str(&ran.out).expect("the report is JSON");
    assert_eq!(report["schema"], "trunkline.test/1");
    assert_eq!(report["summary"], serde_json::json!({"passed": 1, "failed": 1}));
    assert_eq!(report["tests"][1]["message"], "expected 1 to be 2");
    assert_eq!(report["coverage"][0]["verbs"]["POST /api/den/things"], false);
    let junit = std::fs::read_to_string(junit).expect("the file");
    assert!(
        junit.contains("tests=\"2\"") && junit.contains("failures=\"1\"") && junit.contains("not &lt;fine&gt;"),
        "{junit}"
    );
}

#[test]
fn what_cannot_be_run_is_said() {
    let broken = den("test('a', () => 0);\nconst x = (;\n");
    let ran = test(broken.path(), &[]);
    assert_eq!(ran.exit, Some(1));
    assert!(ran.out.contains("FAIL  (loading)") && ran.out.contains("tests/all.test.js:2:"), "{}", ran.out);
    let twice = test(den("test('a', () => 0); test('a', () => 0);").path(), &[]);
    assert!(twice.out.contains("two tests are named"), "{}", twice.out);
    let unknown = test(den("test('a', {wth: []}, () => 0);").path(), &[]);
    assert!(unknown.out.contains("no option `wth`"), "{}", unknown.out);
    let none = test(den("").path(), &[]);
    assert_eq!((none.exit, none.err.contains("no tests")), (Some(0), true), "{}", none.err);
    let filtered = test(den("test('a', () => 0);").path(), &["--filter", "zzz"]);
    assert_eq!((filtered.exit, filtered.err.contains("`zzz`")), (Some(2), true), "{}", filtered.err);
    assert_eq!(test(Path::new("no/such/folder"), &[]).exit, Some(2));
    assert_eq!(test(Path::new("."), &["--out", "xml"]).exit, Some(2));
}

#[test]
fn the_ledger_suite_passes_its_own_tests() {
    let all = test(&ledger_example(), &[]);
    assert_eq!(all.exit, Some(0), "{}{}", all.out, all.err);
    for plugin in ["gl", "ap", "ar"] {
        assert!(all.out.contains(&format!("{plugin} reached: verbs")), "{}", all.out);
    }
    let one = test(&ledger_example().join("ap"), &[]);
    assert_eq!(one.exit, Some(0), "{}{}", one.out, one.err);
    assert!(one.out.contains("ap/tests/bills.test.js") && !one.out.contains("gl/tests"), "{}", one.out);
}
