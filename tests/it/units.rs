//! A unit of work is all or nothing, as if it ran alone, and events of one key keep their order.

use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tests::report::say;
use tests::{Client, Daemon, Start, Suite};

const INCREMENTS: usize = 50;
const KEYS: usize = 4;
const STEPS: usize = 25;
/// What a call computes between two of its writes: a second or so, while others look.
const TURNS: usize = 3_000_000;

const MANIFEST: &str = "
schema: schema.json
topics:
  unit.step.made: {kind: event, version: 1.0.0, schema: step.json, visibility: public, key: /lane}
  unit.pair.wanted: {kind: event, version: 1.0.0, schema: any.json}
publishes: [unit.step.made, unit.pair.wanted]
consumes: [unit.step.made, unit.pair.wanted]
roles: [{name: unit.user, billable: false, grants: [unit.use]}]
";
const STEP: &str = r#"{"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
  "required": ["lane", "step"], "properties": {"lane": {"type": "string"}, "step": {"type": "integer"}}}"#;
const SCHEMA: &str = r#"{"collections": [
  {"name": "unit_counters", "fields": [{"name": "value", "type": "integer", "required": true}]},
  {"name": "unit_pairs", "fields": [{"name": "by", "type": "string"}]},
  {"name": "unit_looks", "fields": [{"name": "saw", "type": "integer"}]},
  {"name": "unit_steps", "fields": [{"name": "lane", "type": "string", "required": true},
    {"name": "step", "type": "integer", "required": true}, {"name": "place", "type": "integer", "required": true}],
    "indexes": [["lane", "place"]]}
]}"#;
const CODE: &str = r#"
$app.routerAdd("POST", "/api/unit/counters", () => $app.dao().saveRecord("unit_counters", { value: 0 }));
$app.routerAdd("GET", "/api/unit/counters/{id}", (e) => $app.dao().findRecordById("unit_counters", e.params.id));
$app.routerAdd("POST", "/api/unit/counters/{id}/increment", (e) => {
  const counter = $app.dao().findRecordById("unit_counters", e.params.id);
  counter.value += 1;
  return $app.dao().saveRecord("unit_counters", counter);
});
$app.routerAdd("POST", "/api/unit/counters/{id}/fail", (e) => {
  const counter = $app.dao().findRecordById("unit_counters", e.params.id);
  $app.dao().saveRecord("unit_counters", { ...counter, value: 1000 });
  $app.dao().saveRecord("unit_counters", { value: 1000 });
  $app.realtime().publish("unit.step.made", { lane: "failed", step: 1 });
  throw new Error("after all was written");
});
$app.routerAdd("GET", "/api/unit/count", () => $app.dao().countRecords("unit_counters", {}));
$app.routerAdd("GET", "/api/unit/steps", (e) =>
  $app.dao().findRecordsByFilter("unit_steps", { lane: e.query.lane }, { sort: "place", limit: 1000 }));
const pause = (turns) => { let sum = 0; for (let turn = 0; turn < turns; turn += 1) sum += turn; return sum; };
const pair = () => $app.dao().countRecords("unit_pairs", {});
$app.routerAdd("POST", "/api/unit/pairs", { timeout: "60s" }, (e) => {
  for (const _ of [1, 2]) {
    $app.dao().saveRecord("unit_pairs", { by: "verb" });
    pause(e.body.turns);
  }
  if (e.body.fails) throw new AppError("REFUSED", "as asked", { status: 422 });
  return pair();
});
$app.routerAdd("GET", "/api/unit/pairs", { readOnly: true }, pair);
$app.routerAdd("POST", "/api/unit/pairs/look", () => {
  $app.realtime().publish("unit.pair.wanted", {});
  return pair();
});
$app.onEvent("unit.pair.wanted", function look() { $app.dao().saveRecord("unit_looks", { saw: pair() }); });
$app.routerAdd("GET", "/api/unit/looks", () => $app.dao().findRecordsByFilter("unit_looks", {}, { limit: 1000 }).map((look) => look.saw));
$app.onEvent("unit.step.made", function note(e) {
  const { lane, step } = e.payload;
  if (step % 7 === 3 && e.attempt === 1) throw new Error("the first try fails");
  const place = $app.dao().countRecords("unit_steps", { lane });
  $app.dao().saveRecord("unit_steps", { lane, step, place });
});
"#;

#[test]
fn fifty_increments_at_once_end_at_fifty() {
    let (_daemon, client) = unit();
    let id = counter(&client);
    std::thread::scope(|scope| {
        for _ in 0..INCREMENTS {
            scope.spawn(|| client.post(&format!("/api/unit/counters/{id}/increment"), &json!({})).expect_status(200));
        }
    });
    assert_eq!(value(&client, &id), INCREMENTS);
}

#[test]
fn a_throw_leaves_nothing_behind() {
    let (_daemon, client) = unit();
    let id = counter(&client);
    client.post(&format!("/api/unit/counters/{id}/fail"), &json!({})).expect_error(500, "PLUGIN_ERROR");
    assert_eq!(value(&client, &id), 0);
    assert_eq!(*client.get("/api/unit/count").expect_status(200).data(), json!(1));
    let events = client.get("/api/events").expect_status(200);
    assert!(!events.text.contains("unit.step.made"), "an event was published: {}", events.text);
}

const WHOLE: &str = r#"
const dao = $app.dao();
const caught = (run) => { try { run(); return null; } catch (error) { return error.code; } };
$app.onRecord("before", "create", "whole_things", (e) => {
  if (e.record.no < 10) return;
  // What a hook changes beside its record, in every way there is.
  dao.saveRecord("whole_log", { id: "log", lines: dao.findRecordById("whole_log", "log").lines + 1 });
  dao.saveRecord("whole_log", { id: `of-${e.record.no}`, lines: 1 });
  if (dao.countRecords("whole_log", { id: "fresh" }) === 1) dao.deleteRecord("whole_log", "fresh");
  $app.reserve("whole_log/stock/lines", 1, { key: `r${e.record.no}` });
  $app.realtime().publish("whole.thing.seen", { no: e.record.no }, { idempotencyKey: `k${e.record.no}` });
  $jobs.enqueue("later", {}, { uniqueKey: `j${e.record.no}` });
});
$app.onRecord("before", "create", "whole_things", async (e) => { await null; if (e.record.no === 13) throw new AppError("UNLUCKY"); });
$jobs.register("later", () => 0);
const seen = () => ({
  things: dao.findRecordsByFilter("whole_things", {}, { sort: "no" }).map((thing) => thing.no),
  log: dao.findRecordsByFilter("whole_log", {}, { sort: "id" }).map((log) => `${log.id}=${log.lines}`),
});
$app.routerAdd("POST", "/api/whole/{how}", (e) => {
  dao.saveRecords("whole_log", [{ id: "log", lines: 0 }, { id: "stock", lines: 5 }, { id: "fresh", lines: 7 }]);
  dao.saveRecord("whole_things", { id: "old", no: 1 });
  const code = caught(() => ({
    fields: () => dao.saveRecords("whole_things", [{ no: 2 }, { id: "old", no: 3 }, { no: "many" }]),
    hook: () => dao.saveRecords("whole_things", [{ no: 2 }, { no: 11 }, { no: 13 }]),
    single: () => dao.saveRecord("whole_things", { no: 13 }),
    sums: () => dao.addToRecords("whole_things", [{ id: "old", no: 4 }, { id: "a", no: 11 }, { id: "b", no: 13 }], ["no"]),
    fine: () => dao.saveRecords("whole_things", [{ no: 2 }, { no: 11 }]),
  })[e.params.how]());
  // What was taken back is not in the way of the same once more.
  const again = e.body.again ? caught(() => dao.saveRecord("whole_things", { no: 11 })) : null;
  return { code, again, ...seen() };
});
$app.routerAdd("GET", "/api/whole/seen", seen);
"#;
const WHOLE_HEAD: &str = "
schema: schema.json
topics: {whole.thing.seen: {kind: event, version: 1.0.0, schema: any.json}}
publishes: [whole.thing.seen]
permissions: [records:own, events:publish, jobs]
roles: [{name: whole.user, billable: false, grants: [whole.use]}]
";
const WHOLE_SCHEMA: &str = r#"{"collections": [
  {"name": "whole_things", "fields": [{"name": "no", "type": "integer"}]},
  {"name": "whole_log", "fields": [{"name": "lines", "type": "integer"}]}]}"#;

/// A handler that catches what a call throws goes on as if it had never made that call, whatever hooks have done in it.
#[test]
fn a_call_of_the_api_that_throws_leaves_nothing_of_itself_in_the_unit() {
    let before = json!({"things": [1], "log": ["fresh=7", "log=0", "stock=5"]});
    let suite = || Suite::new().plugin("whole", WHOLE_HEAD, WHOLE).file("whole/schema.json", WHOLE_SCHEMA);
    for (how, code) in [("fields", "RECORD_INVALID"), ("hook", "UNLUCKY"), ("single", "UNLUCKY"), ("sums", "UNLUCKY")] {
        let daemon = Start::suite(suite()).run();
        let client = daemon.client();
        let told = client.post(&format!("/api/whole/{how}"), &json!({})).expect_status(200).data().clone();
        assert_eq!(
            (&told["code"], &told["things"], &told["log"]),
            (&json!(code), &before["things"], &before["log"]),
            "{how}"
        );
        assert_eq!(client.get("/api/whole/seen").expect_status(200).data(), &before, "{how}: what is stored");
        let published = client.get("/api/events").expect_status(200).text;
        assert!(
            !published.contains("whole.thing.seen") && !published.contains("jobs.whole.later"),
            "{how}: {published}"
        );
    }
    for how in ["hook", "fine"] {
        let daemon = Start::suite(suite()).run();
        let client = daemon.client();
        let again = json!({"again": how == "hook"});
        let told = client.post(&format!("/api/whole/{how}"), &again).expect_status(200).data().clone();
        assert_eq!(told["again"], Value::Null, "{told}");
        let things = if how == "hook" { json!([1, 11]) } else { json!([1, 2, 11]) };
        let log = json!(["log=1", "of-11=1", "stock=4"]);
        let stored = client.get("/api/whole/seen").expect_status(200).data().clone();
        assert_eq!((&stored["things"], &stored["log"]), (&things, &log), "{how}");
        let published = client.get("/api/events?topic=whole.thing.seen").expect_status(200);
        assert_eq!(published.body.as_array().map(Vec::len), Some(1), "{how}: {}", published.text);
    }
}

/// Who reads while a call writes finds all of it or nothing, be it a verb that only reads, another verb or a handler.
#[test]
fn what_is_not_committed_is_seen_by_nobody() {
    let (daemon, client) = unit();
    let mut pairs = 0;
    for fails in [true, false] {
        let (before, writer) = (pairs, daemon.client());
        let (answer, seen) = std::thread::scope(|scope| {
            let body = json!({"turns": TURNS, "fails": fails});
            let writing = scope.spawn(move || writer.post("/api/unit/pairs", &body));
            let mut seen = Vec::new();
            while !writing.is_finished() {
                seen.push(client.get("/api/unit/pairs").expect_status(200).data().clone());
                seen.push(client.post("/api/unit/pairs/look", &json!({})).expect_status(200).data().clone());
            }
            (writing.join().expect("a call"), seen)
        });
        let own = if fails { answer.expect_status(422) } else { answer.expect_status(200) };
        pairs = if fails { before } else { before + 2 };
        assert!(fails || own.data() == &json!(pairs), "a call sees what it has written itself: {}", own.text);
        assert!(seen.len() > 8, "nobody looked while the call was under way: {seen:?}");
        assert!(seen.iter().all(|count| *count == before || *count == pairs), "half of a unit of work: {seen:?}");
        assert!(seen[..seen.len() / 2].iter().all(|count| *count == before), "ahead of the commit: {seen:?}");
    }
    let events = client.get("/api/events?topic=unit.pair.wanted&limit=1000").expect_status(200);
    let asked = events.body.as_array().map_or(0, Vec::len);
    let looks = tests::wait_until(Duration::from_mins(1), || {
        let looks = client.get("/api/unit/looks").expect_status(200).data().as_array().cloned()?;
        (looks.len() == asked).then_some(looks)
    });
    assert!(looks.iter().all(|saw| *saw == 0 || *saw == 2), "handlers saw half of a unit of work: {looks:?}");
    assert_eq!(client.get("/api/unit/pairs").expect_status(200).data(), 2);
}

#[test]
fn events_of_one_key_are_handled_in_order_and_once_over_retries() {
    let (_daemon, client) = unit();
    for step in 0..STEPS {
        for lane in 0..KEYS {
            let data = json!({"lane": format!("lane{lane}"), "step": step});
            let event = tests::client::cloud_event(&format!("{lane}-{step}"), "unit.step.made", &data);
            client.publish(&event).expect_status(202);
        }
    }
    for lane in 0..KEYS {
        let steps = wait_for_steps(&client, &format!("lane{lane}"));
        assert_eq!(steps, (0..STEPS).collect::<Vec<_>>(), "lane {lane}");
    }
    say(&format!("{} events over {KEYS} keys, each in order and once", KEYS * STEPS));
}

fn unit() -> (Daemon, Client) {
    let suite = Suite::new().plugin("unit", MANIFEST, CODE).file("unit/schema.json", SCHEMA);
    let daemon = Start::suite(suite.file("unit/step.json", STEP)).run();
    let client = daemon.client();
    (daemon, client)
}

fn counter(client: &Client) -> String {
    let made = client.post("/api/unit/counters", &json!({})).expect_status(200);
    made.data()["id"].as_str().expect("a record has an id").to_owned()
}

fn value(client: &Client, id: &str) -> usize {
    let answer = client.get(&format!("/api/unit/counters/{id}")).expect_status(200);
    answer.data()["value"].as_u64().and_then(|value| usize::try_from(value).ok()).expect("a value")
}

fn wait_for_steps(client: &Client, lane: &str) -> Vec<usize> {
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        let answer = client.get(&format!("/api/unit/steps?lane={lane}")).expect_status(200);
        let steps: Vec<usize> = answer.data().as_array().expect("steps").iter().filter_map(step).collect();
        if steps.len() >= STEPS || Instant::now() > deadline {
            return steps;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn step(record: &Value) -> Option<usize> {
    record["step"].as_u64().and_then(|step| usize::try_from(step).ok())
}

/// A report pages through more than its worker's heap could hold at once.
#[test]
fn a_long_report_may_read_more_than_its_worker_can_hold() {
    const SCHEMA: &str = r#"{"collections": [{"name": "long_pages", "fields": [{"name": "text", "type": "string"}]}]}"#;
    const CODE: &str = r#"
const dao = $app.dao();
$app.routerAdd("POST", "/api/long/fill", { timeout: "60s" }, () => {
  for (let i = 0; i < 20; i++) dao.saveRecord("long_pages", { text: String(i).padEnd(200000, "x") });
});
$app.routerAdd("GET", "/api/long/report", { timeout: "60s", readOnly: true }, () => {
  let sum = 0;
  for (let pass = 0; pass < 10; pass++) {
    let cursor;
    do {
      const page = dao.findRecordsByFilter("long_pages", {}, { limit: 10, cursor });
      for (const record of page) sum += record.text.length;
      cursor = page.cursor;
    } while (cursor);
  }
  return sum;
});
"#;
    let roles = "schema: schema.json\nroles: [{name: long.user, billable: false, grants: [long.use]}]\n";
    let suite = Suite::new().plugin("long", roles, CODE).file("long/schema.json", SCHEMA);
    let daemon = Start::suite(suite).run();
    let client = daemon.client();
    for _ in 0..5 {
        client.post("/api/long/fill", &json!({})).expect_status(200);
    }
    let report = client.get("/api/long/report").expect_status(200);
    assert_eq!(*report.data(), json!(10 * 100 * 200_000_u64));
}

/// What a call read is kept for its later reads only while that is little, and of a page's last record only its place.
#[test]
fn a_long_report_keeps_neither_its_pages_nor_where_they_ended() {
    const SCHEMA: &str = r#"{"collections": [{"name": "wide_pages", "fields": [{"name": "text", "type": "string"}]}]}"#;
    const CODE: &str = r#"
const dao = $app.dao();
$app.routerAdd("POST", "/api/wide/fill", { timeout: "60s" }, () => {
  for (let i = 0; i < 20; i++) dao.saveRecord("wide_pages", { text: String(i).padEnd(200000, "x") });
});
$app.routerAdd("GET", "/api/wide/report/{limit}", { timeout: "60s", readOnly: true }, (e) => {
  let records = 0;
  let cursor;
  do {
    const page = dao.findRecordsByFilter("wide_pages", {}, { sort: "-id", limit: Number(e.params.limit), cursor });
    records += page.length;
    cursor = page.cursor;
  } while (cursor);
  return records;
});
"#;
    let roles = "schema: schema.json\nroles: [{name: wide.user, billable: false, grants: [wide.use]}]\n";
    let suite = Suite::new().plugin("wide", roles, CODE).file("wide/schema.json", SCHEMA);
    let daemon = Start::suite(suite.settings("limits: {wide: {memory_bytes: 50331648}}\n")).run();
    let client = daemon.client();
    for _ in 0..20 {
        client.post("/api/wide/fill", &json!({})).expect_status(200);
    }
    for limit in [1, 10] {
        let report = client.get(&format!("/api/wide/report/{limit}")).expect_status(200);
        assert_eq!(*report.data(), json!(400), "pages of {limit}");
    }
}
