//! Whose fault it is: what others brought along, left too little time for or named badly is nobody else's, and what a
//! plugin does itself is its own, whatever it calls it.

use serde_json::{Value, json};
use std::sync::Mutex;
use std::time::Duration;
use tests::client::cloud_event;
use tests::{Daemon, Start, Suite, wait_until};

const PATIENCE: Duration = Duration::from_mins(2);
const MANIFEST: &str = "
schema: schema.json
topics:
  yard.load.came: {kind: event, version: 1.0.0, schema: any.json, visibility: public, key: /k, retry: {attempts: 1}}
  yard.task.came: {kind: event, version: 1.0.0, schema: any.json, visibility: public, key: /how, retry: {attempts: 2, backoff: 20ms, cap: 20ms}}
  yard.note.came: {kind: event, version: 1.0.0, schema: any.json, visibility: public}
publishes: [yard.load.came, yard.task.came, yard.note.came]
consumes: [yard.load.came, yard.task.came]
roles: [{name: yard.user, billable: false, grants: [yard.use]}]
";
const SCHEMA: &str = r#"{"collections": [{"name": "yard_seen", "fields": [{"name": "what", "type": "string"}]},
  {"name": "yard_big", "fields": [{"name": "text", "type": "string"}]}]}"#;
const CODE: &str = r#"
const dao = $app.dao();
function spin(rounds) { let sum = 0; for (let i = 0; i < rounds; i++) sum += i % 7; return sum; }
$app.onEvent("yard.load.came", function unload(e) { dao.saveRecord("yard_seen", { what: "load" }); });
$app.onEvent("yard.task.came", function task(e) {
  const { how } = e.payload;
  if (how === "many") for (let i = 0; i < 1001; i++) $app.realtime().publish("yard.note.came", {});
  else throw new AppError(how, "as it likes", { status: 409 });
});
$app.routerAdd("POST", "/api/yard/send", (e) => {
  $app.realtime().publish("yard.load.came", e.body);
  $app.realtime().publish("yard.task.came", e.body);
});
$app.routerAdd("POST", "/api/yard/weigh", (e) => e.body.length);
$app.routerAdd("GET", "/api/yard/seen", () => dao.countRecords("yard_seen", {}));
$app.routerAdd("GET", "/api/yard/quick", { readOnly: true }, () => "quick");
$app.routerAdd("GET", "/api/yard/report", { readOnly: true, timeout: "60s" }, () => { spin(10000000); return "report"; });
$app.routerAdd("POST", "/api/yard/keep", () => {
  for (let i = 0; i < 8; i++) dao.saveRecord("yard_big", { text: "x".repeat(1000000) });
});
$app.routerAdd("GET", "/api/yard/all", { readOnly: true }, () => {
  try { return dao.findRecordsByFilter("yard_big", {}).length; } catch (error) { return { code: error.code, message: error.message }; }
});
$app.routerAdd("POST", "/api/yard/among", (e) => {
  for (let i = 0; i < 2000; i++) dao.saveRecord("yard_seen", { what: `w${i}` });
  const wanted = [];
  for (let i = 0; i < e.body.of; i++) wanted.push(`w${i * 7}`);
  return dao.countRecords("yard_seen", { what: { in: wanted } });
});
$app.routerAdd("POST", "/api/yard/later", (e) => { $app.realtime().publish("yard.note.came", {}, e.body); });
"#;

fn yard() -> Daemon {
    let suite = Suite::new().plugin("yard", MANIFEST, CODE);
    Start::suite(suite.file("yard/schema.json", SCHEMA)).run()
}

fn dead_letters(daemon: &Daemon) -> Vec<Value> {
    daemon.admin().get("/api/_admin/dead-letters").expect_status(200).body.as_array().expect("a list").clone()
}

#[test]
fn events_that_are_each_small_enough_are_not_too_large_together() {
    const EVENTS: usize = 40;
    let daemon = yard();
    let payload = json!({"k": "a", "v": vec![json!({"a": 0}); 12_000]});
    for n in 0..EVENTS {
        daemon.client().publish(&cloud_event(&format!("load-{n}"), "yard.load.came", &payload)).expect_status(202);
    }
    let seen = || daemon.client().get("/api/yard/seen").expect_status(200).data().as_u64();
    wait_until(PATIENCE, || (seen() == Some(EVENTS as u64)).then_some(()));
    assert_eq!(dead_letters(&daemon), Vec::<Value>::new());
    assert!(!daemon.log().contains("worker lost"), "{}", daemon.log());
}

#[test]
fn bodies_that_are_each_small_enough_are_not_too_large_together() {
    let daemon = yard();
    let body = json!(vec![0; 900_000]);
    std::thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| {
                let answer = daemon.client().post("/api/yard/weigh", &body).expect_status(200);
                assert_eq!(answer.data(), &json!(900_000));
            });
        }
    });
}

#[test]
fn reports_that_take_long_leave_a_worker_for_the_others() {
    let daemon = yard();
    daemon.client().get("/api/yard/quick").expect_status(200);
    let ended = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                daemon.client().get("/api/yard/report").expect_status(200);
                ended.lock().expect("nobody has panicked").push("report");
            });
        }
        std::thread::sleep(Duration::from_millis(700));
        daemon.client().get("/api/yard/quick").expect_status(200);
        ended.lock().expect("nobody has panicked").push("quick");
    });
    let ended = ended.into_inner().expect("nobody has panicked");
    let at = ended.iter().position(|one| *one == "quick").expect("it ended");
    assert!(at <= 1, "{ended:?}");
}

#[test]
fn what_a_handler_throws_counts_as_a_try_whatever_it_is_called() {
    let daemon = yard();
    let ways = ["CONFLICT", "OVERLOADED", "STORE_FULL", "QUOTA_EXCEEDED", "SHUTTING_DOWN", "HOP_LIMIT", "many"];
    for how in ways {
        let event = cloud_event(how, "yard.task.came", &json!({"how": how}));
        daemon.client().publish(&event).expect_status(202);
    }
    let letters = wait_until(PATIENCE, || Some(dead_letters(&daemon)).filter(|letters| letters.len() == ways.len()));
    for letter in &letters {
        assert_eq!(letter["attempts"], 2, "{letter}");
    }
}

#[test]
fn an_answer_that_is_too_long_for_a_worker_is_refused_by_name() {
    let daemon = yard();
    for _ in 0..5 {
        daemon.client().post("/api/yard/keep", &json!({})).expect_status(200);
    }
    let told = daemon.client().get("/api/yard/all").expect_status(200);
    assert_eq!(told.data()["code"], "QUERY_TOO_LARGE", "{}", told.text);
    assert!(told.data()["message"].as_str().is_some_and(|text| text.contains("FRAME_BYTES_MAX")), "{}", told.text);
}

#[test]
fn a_long_list_to_look_for_is_gone_through_once_and_not_for_each_record() {
    let daemon = yard();
    let found = daemon.client().post("/api/yard/among", &json!({"of": 40_000})).expect_status(200);
    assert_eq!(found.data(), &json!(286), "every seventh of the 2,000");
}

#[test]
fn a_delay_beyond_all_measure_is_refused_and_so_are_headers() {
    let daemon = yard();
    let later = |options: &Value| daemon.client().post("/api/yard/later", options);
    later(&json!({"delay": "365d"})).expect_status(200);
    let refused = later(&json!({"delay": 9_007_199_254_740_991_u64}));
    refused.expect_error(422, "PAYLOAD_INVALID");
    assert!(refused.text.contains("EVENT_DELAY_MS_MAX"), "{}", refused.text);
    later(&json!({"headers": {"a": "x".repeat(250_000)}})).expect_status(200);
    let refused = later(&json!({"headers": {"a": "x".repeat(270_000)}}));
    assert!(refused.text.contains("EVENT_HEADERS_BYTES_MAX"), "{}", refused.text);
}

const ASKER: &str = "
topics:
  asker.ask.request: {kind: request, version: 1.0.0, schema: any.json, replies: {ok: asker.ask.done}}
  asker.ask.done: {kind: reply, version: 1.0.0, schema: any.json}
publishes: [asker.ask.request, asker.ask.done]
consumes: [asker.ask.request]
capabilities: {consumes: [{name: scale.read}]}
roles: [{name: asker.user, billable: false, grants: [asker.use]}]
";
const ASKER_CODE: &str = r#"
$app.onEvent("asker.ask.request", function ask(e) { e.reply({ secret: "s3cret" }); });
$app.routerAdd("POST", "/api/asker/ask", (e) => $app.realtime().publish("asker.ask.request", {}).id);
$app.routerAdd("POST", "/api/asker/hurry", { timeout: "60ms" }, () => {
  try { return $app.capability("scale.read").call("weigh"); } catch (error) { return error.code; }
});
"#;
const SCALE: &str = "
capabilities: {provides: [{name: scale.read, version: 1.0.0}]}
roles: [{name: scale.user, billable: false, grants: [scale.use]}]
";
const SCALE_CODE: &str = r#"
$app.provide("scale.read", { weigh() { let sum = 0; for (let i = 0; i < 2000000; i++) sum += i % 7; return 7; } });
$app.routerAdd("GET", "/api/scale/ping", () => "pong");
$app.routerAdd("POST", "/api/scale/outcome", (e) => e.outcome({ id: e.body.id }));
"#;

fn market() -> Daemon {
    Start::suite(Suite::new().plugin("asker", ASKER, ASKER_CODE).plugin("scale", SCALE, SCALE_CODE)).run()
}

#[test]
fn who_leaves_next_to_no_time_does_not_get_a_provider_paused() {
    let daemon = market();
    for _ in 0..12 {
        let told = daemon.client().post("/api/asker/hurry", &json!({}));
        assert_ne!(told.data(), &json!(7), "{}", told.text);
    }
    daemon.client().get("/api/scale/ping").expect_status(200);
}

#[test]
fn the_reply_of_somebody_elses_request_is_nobodys_to_ask_for() {
    let daemon = market();
    let asked = daemon.client().post("/api/asker/ask", &json!({})).expect_status(200);
    let told = daemon.client().post("/api/scale/outcome", &json!({"id": asked.data()}));
    assert!(!told.text.contains("s3cret"), "{}", told.text);
    assert!(told.text.contains("which is no request that this handler published"), "{}", told.text);
}
