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
config: config.schema.json
permissions: [events:publish, events:subscribe, records:own, jobs, 'net:api.example.test']
roles: [{name: den.user, billable: false, grants: [den.use]}]
";
const SCHEMA: &str = r#"{"collections": [{"name": "den_seen", "fields": [
    {"name": "what", "type": "string", "required": true}, {"name": "at", "type": "integer"}, {"name": "n", "type": "integer"}]}]}"#;
const MADE: &str = r#"{"type": "object", "required": ["no"], "properties": {"no": {"type": "integer"}, "fails": {"type": "integer"}}}"#;
const CONFIG: &str = r#"{"type": "object", "additionalProperties": false, "properties": {
    "greeting": {"type": "string", "default": "hello"}, "times": {"type": "integer", "minimum": 1, "default": 1}}}"#;
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
$app.routerAdd("GET", "/api/den/greeting", () => Array($app.config.times).fill($app.config.greeting));
$app.routerAdd("POST", "/api/den/rates", async (e) => {
  const options = e.body.send ? { method: "POST", body: e.body.send } : {};
  const answer = await $http.fetch(e.body.url ?? `https://api.example.test/rates/${e.body.day}?base=EUR`, options);
  return { status: answer.status, rate: answer.ok ? answer.json().rate : null };
});
$app.onRecord("before", "create", "den_seen", (e) => { e.record.n ??= 0; });
$app.onRecord("after", "delete", "den_seen", () => 0);
"#;

pub(crate) fn den(tests: &str) -> Suite {
    let suite = Suite::new().plugin("den", HEAD, CODE).file("den/schema.json", SCHEMA).file("den/made.json", MADE);
    let suite = suite.file("den/config.schema.json", CONFIG);
    suite.file("den/tests/all.test.js", tests)
}

pub(crate) fn test(folder: &Path, args: &[&str]) -> Ran {
    run(Command::new(binary::trunkline()).arg("test").arg(folder).args(args))
}

#[track_caller]
pub(crate) fn passes(tests: &str) {
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
fn settings_are_those_of_the_test() {
    passes(
        r#"
const greeting = (app) => app.call("GET", "/api/den/greeting").data;
test("without a word they are the defaults", (app) => expect(greeting(app)).toEqual(["hello"]));
test("a test begins with its own", { config: { greeting: "hi", times: 2 } }, (app) => {
  expect(greeting(app)).toEqual(["hi", "hi"]);
  app.call("POST", "/api/den/later");
  app.config({ greeting: "good day" });
  expect(greeting(app)).toEqual(["good day", "good day"]);
  app.crash();
  expect(greeting(app)).toEqual(["good day", "good day"]);
  app.config({ times: null });
  app.advance("2h");
  expect([greeting(app), app.records("den_seen").length]).toEqual([["good day"], 1]);
});
test("what the schema does not take is refused, and all stays as it was", (app) => {
  for (const wrong of [{ times: 0 }, { name: "x" }]) expect(() => app.config(wrong)).toThrow("BODY_INVALID");
  expect(() => app.config({ times: 2 }, { plugin: "ear" })).toThrow("NOT_FOUND");
  expect(greeting(app)).toEqual(["hello"]);
});
"#,
    );
    let suite = den("test('a', { config: { greting: 1 } }, () => 0);");
    let ran = test(suite.path(), &[]);
    assert_eq!((ran.exit, ran.out.contains("has no setting `greting`")), (Some(1), true), "{}{}", ran.out, ran.err);
}

#[test]
fn hosts_outside_are_what_the_test_says() {
    passes(
        r#"
const rates = (app, body) => app.call("POST", "/api/den/rates", { body });
test("a host answers by method and address, one answer after another", (app) => {
  app.stub("GET", "https://api.example.test/rates/{day}", { body: { rate: "1.08" } }, { status: 404 });
  app.stub("POST", "https://api.example.test/rates/2026-01-02?base=EUR", { status: 201, body: '{"rate":"2"}' });
  expect(rates(app, { day: "2026-01-02" }).data).toEqual({ status: 200, rate: "1.08" });
  for (const day of ["2026-01-02", "2026-01-03"]) expect(rates(app, { day }).data).toEqual({ status: 404, rate: null });
  expect(rates(app, { day: "2026-01-02", send: { a: 1 } }).data).toEqual({ status: 201, rate: "2" });
  const made = app.fetches();
  expect(made.map((it) => it.status)).toEqual([200, 404, 404, 201]);
  expect(made[3]).toMatchObject({ plugin: "den", method: "POST", body: { a: 1 }, headers: { "content-type": "application/json" } });
  expect(made[3].headers["idempotency-key"]).toHaveLength(32);
  expect(app.fetches("https://api.example.test/rates/2026-01-03")).toHaveLength(1);
});
test("what no answer is given for is refused by name, and seen", (app) => {
  const { error, status } = rates(app, { day: "2026-01-02" });
  expect([status, error.code]).toEqual([500, "FETCH_UNEXPECTED"]);
  expect(error.message).toMatch('app.stub("GET", "https://api.example.test/rates/2026-01-02?base=EUR"');
  expect(app.fetches()).toMatchObject([{ url: "https://api.example.test/rates/2026-01-02?base=EUR", status: null }]);
  app.stub("GET", "https://evil.example.test/", {});
  expect(rates(app, { url: "https://evil.example.test/" }).error.code).toBe("PERMISSION_DENIED");
  expect(app.fetches()).toHaveLength(1);
});
test("what may help is tried again at once, redirects are followed, and hosts outlive a crash", (app) => {
  const at = "https://api.example.test/rates/{day}";
  app.stub("GET", at, { status: 503, headers: { "Retry-After": "2" } }, "breaks", { body: { rate: "3" } });
  expect(rates(app, { day: "x" }).data.rate).toBe("3");
  expect(app.fetches().map((it) => it.status)).toEqual([503, null, 200]);
  app.stub("GET", at, { status: 302, headers: { location: "/rates/new/place" } });
  app.stub("GET", "https://api.example.test/rates/new/place", { body: { rate: "4" } });
  app.crash();
  expect(rates(app, { day: "x" }).data.rate).toBe("4");
  app.stub("GET", at, "silent");
  expect(rates(app, { day: "x" }).error.code).toBe("FETCH_TIMEOUT");
  app.stub("GET", at, "breaks");
  expect(rates(app, { day: "x" }).error.code).toBe("FETCH_FAILED");
});
test("a stub that makes no sense is refused", (app) => {
  for (const wrong of [[], ["x", {}], ["https://a.test/"], ["https://a.test/", { staus: 1 }], ["https://a.test/", { status: 99 }], ["https://a.test/", { headers: "x" }]]) {
    expect(() => app.stub("GET", ...wrong)).toThrow("TEST_MISUSE");
  }
});
"#,
    );
}

#[test]
fn jobs_hooks_and_outcomes_are_reached_or_not() {
    let suite = den("test('a', (app) => app.call('POST', '/api/den/later'));
        test('b', (app) => { app.call('POST', '/api/den/things', { body: { no: 1 } }); app.advance('2h'); });");
    let out = test(suite.path(), &[]).out;
    for says in [
        "den reached: verbs 2/4, handlers 1/2, jobs 0/2, record hooks 1/2, topics published 1/2",
        "  verbs not reached: GET /api/den/greeting, POST /api/den/rates",
        "  handlers not reached: den.thing.fading (fade)",
        "  jobs not reached: morning, work",
        "  record hooks not reached: after delete den_seen",
    ] {
        assert!(out.contains(says), "`{says}` is missing: {out}");
    }
    let advanced = den("test('a', (app) => { app.call('POST', '/api/den/later'); app.advance('24h'); });");
    let out = test(advanced.path(), &["--out", "json"]).out;
    let report: Value = serde_json::from_str(&out).expect("the report is JSON");
    assert_eq!(report["coverage"][0]["jobs"], serde_json::json!({"morning": true, "work": true}));
    assert_eq!(report["coverage"][0]["hooks"]["before create den_seen"], true);
}

pub(crate) const FX_HEAD: &str = "
permissions: []
capabilities: {provides: [{name: fx.rate, version: 1.2.0}]}
roles: [{name: fx.user, billable: false, grants: [fx.use]}]
";
pub(crate) const FX: &str = r#"$app.provide("fx.rate", { rate: () => "1.08", spread: () => "0.01" });
$app.routerAdd("GET", "/api/fx/up", () => true);"#;
pub(crate) const TILL_HEAD: &str = "
permissions: []
capabilities: {consumes: [{name: fx.rate, range: ^1}]}
roles: [{name: till.user, billable: false, grants: [till.use]}]
";
const TILL: &str = r#"
$app.routerAdd("GET", "/api/till/rate", () => $app.capability("fx.rate").call("rate"));
$app.onAttach(() => 0);
$app.onDetach((e) => { if (e.reason === "disabled") throw new AppError("RATES_NEEDED", "the till is open"); });
"#;
const RATE: &str =
    r#"test("rate", { with: ["fx"] }, (app) => expect(app.call("GET", "/api/till/rate").data).toBe("1.08"));"#;
const VETO: &str = r#"test("veto", { with: ["fx"] }, (app) => {
  expect(() => app.disable("fx")).toThrow("DETACH_VETOED");
  expect(app.call("GET", "/api/till/rate").status).toBe(200);
  app.disable("fx", { force: true });
  expect(app.call("GET", "/api/till/rate").error.code).toBe("CAPABILITY_MISSING");
  app.enable("fx");
  expect(app.call("GET", "/api/till/rate").status).toBe(200);
});"#;

#[test]
fn methods_of_capabilities_and_hooks_of_links_are_reached_or_not() {
    let till = |tests: &str| {
        let suite = Suite::new().plugin("fx", FX_HEAD, FX).plugin("till", TILL_HEAD, TILL);
        let of_fx = "test('alone', (app) => expect(app.call('GET', '/api/fx/up').status).toBe(200));";
        suite.file("till/tests/till.test.js", tests).file("fx/tests/fx.test.js", of_fx)
    };
    let ran = |tests: &str| {
        let ran = test(till(tests).path(), &[]);
        assert_eq!(ran.exit, Some(0), "{}{}", ran.out, ran.err);
        ran.out
    };
    let one = ran(RATE);
    for says in [
        "fx reached: verbs 1/1, capability methods 0/2",
        "  capability methods not reached: fx.rate.rate, fx.rate.spread",
        "till reached: verbs 1/1, attach and detach hooks 1/2",
        "  attach and detach hooks not reached: detach",
    ] {
        assert!(one.contains(says), "`{says}` is missing: {one}");
    }
    let both = ran(&format!("{RATE}{VETO}"));
    assert!(both.contains("till reached: verbs 1/1, attach and detach hooks 2/2"), "{both}");
    let of_fx = r#"test("is called", { with: ["till"] }, (app) => app.call("GET", "/api/till/rate"));"#;
    let suite = till(RATE).file("fx/tests/more.test.js", of_fx);
    let out = test(suite.path(), &["--out", "json"]).out;
    let report: Value = serde_json::from_str(&out).expect("the report is JSON");
    let fx = report["coverage"].as_array().expect("a list").iter().find(|one| one["plugin"] == "fx").expect("fx");
    assert_eq!(fx["methods"], serde_json::json!({"fx.rate.rate": true, "fx.rate.spread": false}));
}

/// An expectation that is not met is often the end of something that the plugin's code was told before.
#[test]
fn a_failure_tells_which_calls_were_refused_and_which_handlers_failed_before() {
    let suite = den(r#"
test("is told", (app) => {
  app.call("POST", "/api/den/things", { body: { no: "seven" } });
  app.call("POST", "/api/den/things", { body: { no: 1, fails: 1 } });
  expect(app.records("den_seen")).toHaveLength(1);
});
test("expects it", (app) => {
  app.call("POST", "/api/den/things", { body: { no: 1, fails: 1 } });
  expect(app.records("den_seen")).toHaveLength(0);
});
test("is told the last", (app) => {
  for (let n = 1; n <= 7; n += 1) app.call("GET", `/api/den/nowhere/${n}`);
  null.x;
});
"#);
    let out = test(suite.path(), &[]).out;
    let told: Vec<&str> = out.lines().skip_while(|line| !line.contains("what went wrong on the way:")).collect();
    let expected = [
        "        what went wrong on the way:",
        "          POST /api/den/things was answered 422 PAYLOAD_INVALID: the payload for `den.thing.made` breaks its schema",
        "          den/see, told of den.thing.made, failed at attempt 1: NOT_YET: not yet at src/main.js:11:",
        "  ok    expects it",
        "  FAIL  is told the last",
    ];
    for (line, expected) in told.iter().zip(expected) {
        assert!(line.starts_with(expected), "`{line}` is not `{expected}…`: {out}");
    }
    assert!(out.contains("        TypeError: "), "the code of what a test throws itself says nothing: {out}");
    assert!(
        !out.contains("nowhere/2 ") && out.contains("GET /api/den/nowhere/3 was answered 404 NOT_FOUND: "),
        "{out}"
    );
    let report: Value = serde_json::from_str(&test(suite.path(), &["--out", "json"]).out).expect("the report is JSON");
    let troubles = |at: usize| report["tests"][at]["troubles"].as_array().map(Vec::len);
    assert_eq!([troubles(0), troubles(1), troubles(2)], [Some(2), Some(0), Some(5)], "{report}");
}

/// What does not depend on the machine belongs to the report; times and memory are told to who asks for them.
#[test]
fn what_a_call_of_each_handler_used_is_shown() {
    let suite =
        den("test('a', (app) => { for (const no of [1, 2]) app.call('POST', '/api/den/things', { body: { no } }); });
        test('b', (app) => app.call('GET', '/api/den/greeting'));");
    let plain = test(suite.path(), &[]);
    for says in ["  at most POST /api/den/things: 1 events\n", "  at most den.thing.made (see): 1 changed\n"] {
        assert!(plain.out.contains(says), "`{says}` is missing: {}", plain.out);
    }
    assert!(!plain.out.contains("at most GET /api/den/greeting"), "it did nothing: {}", plain.out);
    let report: Value = serde_json::from_str(&test(suite.path(), &["--out", "json"]).out).expect("the report is JSON");
    let used = &report["coverage"][0]["used"]["POST /api/den/things"];
    assert_eq!(used, &serde_json::json!({"events": 1, "records": 0, "records_read": 0, "log_lines": 0}));
    let told = test(suite.path(), &["--used"]);
    assert_eq!((told.exit, &told.out), (Some(0), &plain.out), "what is measured leaves the report as it is");
    let row = |handler: &str| -> Vec<String> {
        let line = told.err.lines().find_map(|line| line.strip_prefix(&format!("den  {handler} ")));
        let line = line.unwrap_or_else(|| panic!("no {handler} in {}", told.err));
        line.split_whitespace().map(str::to_owned).collect()
    };
    let (things, greeting) = (row("POST /api/den/things"), row("GET /api/den/greeting"));
    assert_eq!((things[0].as_str(), greeting[0].as_str()), ("2", "1"), "calls: {}", told.err);
    // Memory and bytes out are a number and a unit.
    assert_eq!(things[5..8], ["0", "0", "1"], "read, changed, events: {}", told.err);
    for (at, what) in [(1, "ms"), (2, "cpu ms"), (3, "memory"), (8, "out")] {
        assert!(things[at].parse::<f64>().is_ok_and(|used| used > 0.0), "{what}: {}", told.err);
    }
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
        "den reached: verbs 0/4, handlers 0/2",
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
fn what_the_kit_is_called_with_wrongly_is_refused_by_name() {
    passes(
        r#"
test("options that are misspelt or of another kind", (app) => {
  const said = (run) => { try { run(); } catch (error) { return `${error.code}: ${error.message}`; } return "taken"; };
  for (const [run, says] of [
    [() => app.call("GET", "/api/den/greeting", { boddy: 1 }), "app.call has no option `boddy`"],
    [() => app.call("GET", "/api/den/greeting", { as: "nobody" }), "as must be {user: text, roles: [text, …]}"],
    [() => app.call("GET", "/api/den/greeting", { as: { user: "ann", role: [] } }), "as must be"],
    [() => app.call("GET", "/api/den/greeting", { headers: { a: 1 } }), "an object of texts"],
    [() => app.call("GET"), "app.call: path is missing; it must be a text"],
    [() => app.save("den_seen", "x"), "record must be an object"],
    [() => app.records("den_seen", {}, { sort: ["at"] }), "sort must be a text"],
    [() => app.config({}, { plugn: "den" }), "app.config has no option `plugn`"],
    [() => app.disable("den", { forced: true }), "app.disable has no option `forced`; it knows force"],
    [() => app.publish("den.thing.made", { no: 1 }, { delay: true }), "delay must be a duration"],
    [() => app.slow("den.thing.made"), "app.slow: by is missing"],
  ]) expect(said(run)).toMatch(says);
  expect(() => app.call("GET", "/api/den/greeting", { boddy: 1 })).toThrow("TEST_MISUSE");
});
test("a key may be a number", (app) => {
  app.publish("den.thing.made", { no: 1 }, { idempotencyKey: 7 });
  expect(app.publish("den.thing.made", { no: 1 }, { idempotencyKey: 7 }).duplicate).toBe(true);
});
"#,
    );
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
    // What a file's tests are called is not known where it cannot be loaded: it may be the one that is asked for.
    let suite = den("import './nowhere.js'; test('is asked for', () => 0);");
    let unread = test(suite.path(), &["--filter", "is asked for"]);
    assert_eq!(unread.exit, Some(1), "{}{}", unread.out, unread.err);
    assert!(unread.out.contains("FAIL  (loading)") && unread.out.contains("nowhere.js"), "{}", unread.out);
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
