//! `$app.request` with `continue`: the outcome of a request comes as a call of its own, whatever happens in between.

use serde_json::{Value, json};
use std::time::Duration;
use tests::{Client, Daemon, Start, Suite};

const SHOP: &str = "
schema: schema.json
topics:
  shop.paid.noted: {kind: event, version: 1.0.0, schema: any.json, visibility: public}
publishes: [bank.pay.request, bank.void.request, shop.paid.noted]
consumes: [bank.pay.done, bank.pay.refused]
roles: [{name: shop.user, billable: false, grants: [shop.use]}]
";
const SHOP_SCHEMA: &str = r#"{"collections": [{"name": "shop_outcomes", "fields": [{"name": "outcome", "type": "string"},
  {"name": "payload", "type": "json"}, {"name": "context", "type": "json"}, {"name": "attempt", "type": "integer"},
  {"name": "request", "type": "string"}]}, {"name": "shop_heard", "fields": [{"name": "topic", "type": "string"}]}]}"#;
const SHOP_CODE: &str = r#"
$app.onOutcome("paid", (e) => {
  if (e.context.fails >= e.attempt) throw new Error("not yet");
  $app.dao().saveRecord("shop_outcomes", {
    outcome: e.outcome, payload: e.payload, context: e.context, attempt: e.attempt, request: e.id });
  $app.realtime().publish("shop.paid.noted", { order: e.context.order ?? null });
});
$app.onEvent("bank.pay.done", function done(e) { $app.dao().saveRecord("shop_heard", { topic: e.topic }); });
$app.onEvent("bank.pay.refused", function refused(e) { $app.dao().saveRecord("shop_heard", { topic: e.topic }); });
$app.routerAdd("POST", "/api/shop/pay", (e) => $app.request("bank.pay.request", e.body.payload, {
  continue: "paid", context: e.body.context, timeout: e.body.timeout, idempotencyKey: e.body.key }));
$app.routerAdd("POST", "/api/shop/ask", (e) => $app.request("bank.pay.request", e.body.payload, { idempotencyKey: e.body.key }));
$app.routerAdd("POST", "/api/shop/void", () => $app.request("bank.void.request", {}, { continue: "paid", context: {} }));
$app.routerAdd("POST", "/api/shop/wrong", () => $app.request("bank.pay.request", {}, { continue: "payed" }));
$app.routerAdd("GET", "/api/shop/outcomes", () => $app.dao().findRecordsByFilter("shop_outcomes", {}));
"#;
const BANK: &str = "
schema: schema.json
topics:
  bank.pay.request:
    kind: request
    version: 1.0.0
    schema: any.json
    retry: {attempts: 1000, backoff: 50ms, cap: 50ms}
    timeout: 60s
    replies: {ok: bank.pay.done, error: bank.pay.refused}
  bank.pay.done: {kind: event, version: 1.0.0, schema: any.json}
  bank.pay.refused: {kind: event, version: 1.0.0, schema: any.json}
  bank.void.request:
    kind: request
    version: 1.0.0
    schema: any.json
    timeout: 60s
    replies: {ok: bank.void.done}
  bank.void.done: {kind: reply, version: 1.0.0, schema: any.json}
publishes: [bank.pay.done, bank.pay.refused]
consumes: [bank.pay.request]
roles: [{name: bank.user, billable: false, grants: [bank.use]}]
";
const BANK_SCHEMA: &str =
    r#"{"collections": [{"name": "bank_switch", "fields": [{"name": "on", "type": "boolean"}]}]}"#;
const BANK_CODE: &str = r#"
$app.onEvent("bank.pay.request", function pay(e) {
  if (Object.keys(e.headers).length > 0) throw new Error("somebody told who asked");
  if (e.payload.waits && $app.dao().countRecords("bank_switch", {}) === 0) throw new Error("closed");
  if (e.payload.bad) e.reject({ why: "no money" });
  else e.reply({ paid: e.payload.amount ?? 0 });
});
$app.routerAdd("POST", "/api/bank/open", () => $app.dao().saveRecord("bank_switch", { on: true }));
"#;
const PATIENCE: Duration = Duration::from_secs(15);

#[test]
fn an_outcome_comes_with_its_payload_and_what_the_request_was_sent_with() {
    let daemon = shop();
    let client = daemon.client();
    let ok = pay(&client, &json!({"payload": {"amount": 7}, "context": {"order": "A"}}));
    let told = outcome(&client, &ok);
    assert_eq!((&told["outcome"], &told["payload"]), (&json!("ok"), &json!({"paid": 7})));
    assert_eq!(told["context"], json!({"order": "A"}));
    let bad = pay(&client, &json!({"payload": {"bad": true}, "context": {"order": "B"}}));
    let told = outcome(&client, &bad);
    assert_eq!((&told["outcome"], &told["payload"]), (&json!("error"), &json!({"why": "no money"})));
    // The outcome is a step of the request's story.
    let story = daemon.command(&["events", "show", &ok]).out;
    assert!(story.contains("jobs.shop.on-outcome.paid") && story.contains("shop.paid.noted"), "{story}");
    // A try that fails leaves nothing and comes again.
    let flaky = pay(&client, &json!({"payload": {}, "context": {"fails": 2}}));
    assert_eq!(outcome(&client, &flaky)["attempt"], 3);
    assert_eq!(all(&client).len(), 3);
}

#[test]
fn what_carries_outcomes_is_no_wire_that_a_trace_is_held_against() {
    let daemon = shop();
    let client = daemon.client();
    let ok = pay(&client, &json!({"payload": {}, "context": {}}));
    outcome(&client, &ok);
    let facts = daemon.admin().get("/api/_admin/facts").expect_status(200).text;
    assert!(facts.contains("jobs.shop.on-outcome.paid"), "{facts}");
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in [("facts.json", facts), ("events.json", daemon.command(&["events", "list", "--json"]).out)] {
        let trace = folder.path().join(name);
        std::fs::write(&trace, text).expect("written");
        let suite = daemon.suite().to_str().expect("UTF-8");
        let ran = daemon.command(&["verify-trace", trace.to_str().expect("UTF-8"), suite]);
        assert_eq!(ran.exit, Some(0), "{name}: {}{}", ran.out, ran.err);
    }
}

#[test]
fn what_is_no_request_is_published_whether_or_not_an_outcome_is_preferred() {
    let daemon = shop();
    let client = daemon.client();
    let note = |id: &str| json!({"id": id, "type": "shop.paid.noted", "data": {}}).to_string();
    let publish = |body: &str, status| {
        let sent = client.send("POST", "/api/events", &[("prefer", "wait=5")], Some(body)).expect("an answer");
        sent.expect_status(status).body
    };
    let first = publish(&note("n1"), 202);
    assert_eq!((&first["id"], &first["duplicate"], first.get("status")), (&json!("n1"), &json!(false), None));
    assert_eq!(publish(&note("n1"), 200)["duplicate"], true);
    let headers = [("prefer", "wait=5"), ("content-type", "application/x-ndjson")];
    let lines = client.send("POST", "/api/events", &headers, Some(&note("n2"))).expect("an answer").text;
    let line: Value = serde_json::from_str(&lines).expect("a line");
    assert_eq!((&line["id"], &line["duplicate"], line.get("status")), (&json!("n2"), &json!(false), None), "{line}");
}

#[test]
fn a_client_may_name_the_idempotency_key_of_its_event_in_the_header() {
    let daemon = shop();
    let client = daemon.client();
    let publish = |key: &str, event: Value| {
        let event = event.to_string();
        client.send("POST", "/api/events", &[("idempotency-key", key)], Some(&event)).expect("an answer")
    };
    let note = |order: u64| json!({"type": "shop.paid.noted", "data": {"order": order}});
    let first = publish("k1", note(1)).expect_status(202).body;
    let again = publish("k1", note(1)).expect_status(200).body;
    assert_eq!((&again["id"], &again["duplicate"]), (&first["id"], &json!(true)));
    publish("k1", note(2)).expect_error(409, "idempotency_conflict");
    publish("k2", note(2)).expect_status(202);
    // The event's own says more than its request.
    let own = json!({"type": "shop.paid.noted", "idempotencykey": "k3", "data": {"order": 2}});
    let own = publish("k1", own).expect_status(202).body["id"].clone();
    let shown = client.get(&format!("/api/events/{}", own.as_str().expect("an id"))).expect_status(200);
    assert_eq!(shown.body["idempotencykey"], "k3");
    publish(&"k".repeat(256), note(4)).expect_error(400, "QUERY_INVALID");
    let headers = [("idempotency-key", "k4"), ("content-type", "application/x-ndjson")];
    let lines = client.send("POST", "/api/events", &headers, Some(&note(5).to_string())).expect("an answer");
    lines.expect_error(400, "QUERY_INVALID");
}

#[test]
fn an_outcome_that_does_not_come_in_time_is_told_as_that_once() {
    let daemon = shop();
    let client = daemon.client();
    let late = pay(&client, &json!({"payload": {"waits": true}, "context": {}, "timeout": "700ms"}));
    let told = outcome(&client, &late);
    assert_eq!((&told["outcome"], &told["payload"]), (&json!("timeout"), &Value::Null));
    client.post("/api/bank/open", &json!({})).expect_status(200);
    let next = pay(&client, &json!({"payload": {}, "context": {}}));
    outcome(&client, &next);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(all(&client).iter().filter(|told| told["request"] == json!(late)).count(), 1);
    let void = client.post("/api/shop/void", &json!({})).expect_status(200);
    let told = outcome(&client, void.data()["id"].as_str().expect("an id"));
    assert_eq!(told["outcome"], "no_responder");
}

#[test]
fn an_outcome_outlives_kills_before_and_after_the_reply() {
    let mut daemon = shop();
    let client = daemon.client();
    let waits = pay(&client, &json!({"payload": {"waits": true}, "context": {"order": "C"}}));
    let listed = daemon.command(&["jobs", "list"]).out;
    assert!(listed.contains("shop.onOutcome:paid  scheduled"), "{listed}");
    daemon.kill();
    daemon.restart().expect("the daemon starts again");
    let client = daemon.client();
    assert!(all(&client).is_empty());
    client.post("/api/bank/open", &json!({})).expect_status(200);
    daemon.kill();
    daemon.restart().expect("the daemon starts again");
    let told = outcome(&daemon.client(), &waits);
    assert_eq!((&told["outcome"], &told["context"]), (&json!("ok"), &json!({"order": "C"})));
    assert_eq!(all(&daemon.client()).len(), 1);
}

#[test]
fn a_request_that_is_asked_again_tells_its_outcome_again() {
    let daemon = shop();
    let client = daemon.client();
    let body = json!({"payload": {"amount": 3}, "context": {"order": "D"}, "key": "once"});
    let first = pay(&client, &body);
    outcome(&client, &first);
    assert_eq!(pay(&client, &body), first, "the same request");
    wait_until(|| (all(&client).len() == 2).then_some(()));
    assert!(all(&client).iter().all(|told| told["payload"] == json!({"paid": 3})), "{:?}", all(&client));
    client.post("/api/shop/wrong", &json!({})).expect_error(500, "OUTCOME_UNKNOWN");
}

/// Who asks without a word first knows its outcome by nobody; who comes upon the open request later is told as soon as it
/// is answered, and not when it times out.
#[test]
fn an_open_request_that_is_asked_again_tells_who_asks_later() {
    let daemon = shop();
    let client = daemon.client();
    let payload = json!({"waits": true, "amount": 5});
    let asked = client.post("/api/shop/ask", &json!({"payload": payload, "key": "twice"})).expect_status(200).clone();
    let later = pay(&client, &json!({"payload": payload, "context": {"order": "E"}, "key": "twice", "timeout": "1h"}));
    assert_eq!(asked.data()["id"], json!(later), "the same request");
    client.post("/api/bank/open", &json!({})).expect_status(200);
    let told = outcome(&client, &later);
    assert_eq!((&told["outcome"], &told["payload"]), (&json!("ok"), &json!({"paid": 5})));
    assert_eq!(all(&client).len(), 1);
}

fn shop() -> Daemon {
    let suite = Suite::new().plugin("shop", SHOP, SHOP_CODE).plugin("bank", BANK, BANK_CODE);
    let suite = suite.file("shop/schema.json", SHOP_SCHEMA).file("bank/schema.json", BANK_SCHEMA);
    Start::suite(suite.settings("rules: {TL401: off, TL402: off, TL204: off, TL202: off, TL404: off}\n")).run()
}

fn pay(client: &Client, body: &Value) -> String {
    let answer = client.post("/api/shop/pay", body).expect_status(200);
    answer.data()["id"].as_str().expect("an id").to_owned()
}

fn all(client: &Client) -> Vec<Value> {
    client.get("/api/shop/outcomes").expect_status(200).data().as_array().cloned().unwrap_or_default()
}

fn outcome(client: &Client, request: &str) -> Value {
    wait_until(|| all(client).into_iter().find(|told| told["request"] == request))
}

fn wait_until<T>(look: impl Fn() -> Option<T>) -> T {
    tests::wait_until(PATIENCE, look)
}
