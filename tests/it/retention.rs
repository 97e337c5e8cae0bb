//! Events go once everybody has handled them and their time is over; tenants go with all that is kept of them.

use serde_json::{Value, json};
use std::cell::Cell;
use std::path::Path;
use std::time::Duration;
use tests::client::cloud_event;
use tests::{Client, Daemon, Start, Suite, wait_until};

const PATIENCE: Duration = Duration::from_mins(1);
const MANIFEST: &str = "
schema: schema.json
topics:
  log.short.told: {kind: event, version: 1.0.0, schema: any.json, visibility: public, retain: 1ms}
  log.long.told: {kind: event, version: 1.0.0, schema: any.json, visibility: public}
  log.bad.told: {kind: event, version: 1.0.0, schema: any.json, visibility: public, retain: 1ms, retry: {attempts: 1, backoff: 1ms, cap: 1ms, then: dead-letter}}
publishes: [log.short.told, log.long.told, log.bad.told]
consumes: [log.short.told, log.long.told, log.bad.told]
roles: [{name: log.user, billable: false, grants: [log.use]}]
";
const CODE: &str = r#"
$app.onEvent("log.short.told", function short(e) { $app.dao().saveRecord("log_lines", { text: e.payload.text }); });
$app.onEvent("log.long.told", function long() {});
$app.onEvent("log.bad.told", function bad() { throw new Error("never"); });
$app.routerAdd("POST", "/api/log/tell", (e) => {
  $app.realtime().publish("log.short.told", e.body);
  $app.realtime().publish("log.long.told", e.body);
  $app.realtime().publish("log.bad.told", e.body);
});
$app.routerAdd("GET", "/api/log/lines", () => $app.dao().countRecords("log_lines", {}));
"#;
const SCHEMA: &str = r#"{"collections": [{"name": "log_lines", "indexes": [["text"]], "fields": [{"name": "text", "type": "string"}]}]}"#;
const OTHER: &str = "consumes: [log.short.told]\nroles: []\n";
const OTHER_CODE: &str = r#"$app.onEvent("log.short.told", function also() {});"#;

fn suite() -> Suite {
    let suite = Suite::new().plugin("log", MANIFEST, CODE).plugin("also", OTHER, OTHER_CODE);
    suite.file("log/schema.json", SCHEMA)
}

fn tell(client: &Client, topic: &str, ids: impl IntoIterator<Item = u64>) {
    for n in ids {
        let event = cloud_event(&format!("{topic}-{n}"), topic, &json!({ "text": format!("text {n}") }));
        client.publish(&event).expect_status(202);
    }
}

fn lines(client: &Client) -> u64 {
    client.get("/api/log/lines").expect_status(200).data().as_u64().expect("a count")
}

fn compact(daemon: &Daemon) -> Value {
    daemon.admin().post("/api/_admin/store/compact", &json!({})).expect_status(200).body
}

/// Compacts until so many events went, and gives how many did.
fn compact_until(daemon: &Daemon, events: u64) -> u64 {
    let gone = Cell::new(0);
    wait_until(PATIENCE, || {
        gone.set(gone.get() + compact(daemon)["compacted"].as_u64().expect("a count"));
        (gone.get() >= events).then_some(gone.get())
    })
}

fn verify(daemon: &Daemon) -> Value {
    let report = daemon.admin().post("/api/_admin/store/verify", &json!({})).expect_status(200).body;
    assert_eq!(report["ok"], json!(true), "{report}");
    report["report"].clone()
}

fn ids(client: &Client) -> Vec<String> {
    let body = client.get("/api/events?limit=1000").expect_status(200).body;
    let items = body["items"].as_array().or_else(|| body.as_array()).expect("events").clone();
    items.iter().map(|event| event["id"].as_str().expect("an id").to_owned()).collect()
}

#[test]
fn handled_events_go_after_their_time_and_unhandled_ones_never() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    let mut daemon = Start::suite(suite()).data(&data).run();
    let client = daemon.client();
    tell(&client, "log.short.told", 1..=40);
    tell(&client, "log.long.told", 1..=3);
    tell(&client, "log.bad.told", 1..=2);
    wait_until(PATIENCE, || {
        let dead = daemon.admin().get("/api/_admin/dead-letters").expect_status(200).body;
        (lines(&client) == 40 && dead.as_array().is_some_and(|dead| dead.len() == 2)).then_some(())
    });
    // Who is disabled keeps what it has not handled.
    daemon.admin().post("/api/_admin/plugins/also/disable", &json!({})).expect_status(200);
    tell(&client, "log.short.told", 41..=45);
    wait_until(PATIENCE, || (lines(&client) == 45).then_some(()));
    assert_eq!(compact_until(&daemon, 40), 40, "what everybody handled");
    let left = compact(&daemon);
    assert_eq!(
        (&left["compacted"], &left["owed"]),
        (&json!(0), &json!({ "unhandled": 5, "dead-letter": 2 })),
        "five that wait, two dead letters: {left}"
    );
    let there = ids(&client);
    assert_eq!(there.len(), 10, "{there:?}");
    assert!(
        there.contains(&"log.long.told-1".to_owned()) && !there.contains(&"log.short.told-40".to_owned()),
        "{there:?}"
    );
    let metrics = daemon.admin().get("/metrics").text;
    assert!(metrics.contains("trunkline_store_events_compacted_total 40"), "{metrics}");
    assert_eq!(verify(&daemon)["events"], json!(50), "their places in the chain are there");

    // What was sent is known for ever; what waits is delivered; a dead letter is retried.
    let again = cloud_event("log.short.told-7", "log.short.told", &json!({ "text": "text 7" }));
    let known = client.publish(&again).expect_status(200);
    assert_eq!(known.body["duplicate"], json!(true), "{}", known.text);
    let other = cloud_event("log.short.told-7", "log.short.told", &json!({ "text": "another" }));
    client.publish(&other).expect_error(409, "idempotency_conflict");
    client.get("/api/events/log.short.told-7").expect_error(404, "NOT_FOUND");
    daemon.restart().expect("it starts again after a kill");
    daemon.admin().post("/api/_admin/plugins/also/enable", &json!({})).expect_status(200);
    assert_eq!(compact_until(&daemon, 5), 5, "the one that was away has caught up");
    assert_eq!(lines(&daemon.client()), 45, "nothing is handled twice");
    verify(&daemon);
    assert!(daemon.stop().expect("it stops").success());
}

fn new_tenant(daemon: &Daemon, name: &str) -> Client {
    let made = daemon.admin().post("/api/_admin/tenants", &json!({ "tenant": name })).expect_status(201).body;
    daemon.client().with_token(made["token"].as_str().expect("a token"))
}

fn grep(data: &Path, text: &str) -> bool {
    let bytes = std::fs::read(data).expect("the file");
    bytes.windows(text.len()).any(|part| part == text.as_bytes())
}

#[test]
fn an_erased_tenant_is_gone_and_nobody_else_notices() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    let mut daemon = Start::suite(suite()).data(&data).run();
    let (keeps, goes) = (daemon.client(), new_tenant(&daemon, "leaver"));
    for n in 1..=60 {
        let text = format!("quercus-robur {n}");
        goes.publish(&cloud_event(&format!("g{n}"), "log.short.told", &json!({ "text": text }))).expect_status(202);
        keeps.publish(&cloud_event(&format!("k{n}"), "log.short.told", &json!({ "text": "plain" }))).expect_status(202);
    }
    goes.publish(&cloud_event("gb", "log.bad.told", &json!({ "text": "quercus-robur" }))).expect_status(202);
    wait_until(PATIENCE, || (lines(&goes) == 60 && lines(&keeps) == 60).then_some(()));
    let quota = "/api/_admin/quotas/TENANT_EVENTS_PER_SECOND_MAX";
    daemon.admin().json("PUT", quota, &[], &json!({ "of": "leaver", "value": 99_999 })).expect_status(200);
    let quotas = |daemon: &Daemon| daemon.admin().get("/api/_admin/quotas").expect_status(200).text;
    assert!(quotas(&daemon).contains("leaver"), "{}", quotas(&daemon));
    let refused = daemon.command(&["store", "erase-tenant", "leaver"]);
    assert_eq!((refused.exit, refused.err.contains("say --yes")), (Some(2), true), "{}", refused.err);
    for wrong in [json!({"confirm": "x"}), json!({}), json!(["leaver"])] {
        daemon.admin().post("/api/_admin/tenants/leaver/erase", &wrong).expect_error(422, "BODY_INVALID");
    }
    assert_eq!(lines(&goes), 60, "nothing was erased");
    // Some of it is still on its way when it goes.
    for n in 61..=90 {
        goes.publish(&cloud_event(&format!("g{n}"), "log.short.told", &json!({ "text": "quercus-robur" })))
            .expect_status(202);
    }
    let erased = daemon.command(&["store", "erase-tenant", "leaver", "--yes", "--json"]);
    assert_eq!(erased.exit, Some(0), "{}", erased.err);
    let told: Value = serde_json::from_str(&erased.out).expect("JSON");
    assert_eq!((&told["tenant"], &told["events"]), (&json!("leaver"), &json!(91)), "{told}");

    // What was set for one that comes again before the next start is not for it either.
    new_tenant(&daemon, "passer");
    daemon.admin().json("PUT", quota, &[], &json!({ "of": "passer", "value": 99_998 })).expect_status(200);
    assert!(quotas(&daemon).contains("passer"), "{}", quotas(&daemon));
    let erased = daemon.command(&["store", "erase-tenant", "passer", "--yes"]);
    assert!(
        erased.exit == Some(0) && erased.out.starts_with("tenant `passer` is erased; "),
        "{}{}",
        erased.out,
        erased.err
    );
    assert_eq!(erased.out.lines().count(), 1, "{}", erased.out);
    // The same over HTTP, of one who has records and events.
    let gone = new_tenant(&daemon, "http");
    gone.publish(&cloud_event("h1", "log.short.told", &json!({ "text": "quercus-robur" }))).expect_status(202);
    wait_until(PATIENCE, || (lines(&gone) == 1).then_some(()));
    let erase = || daemon.admin().post("/api/_admin/tenants/http/erase", &json!({"confirm": "http"}));
    let told = erase().expect_status(200).body;
    assert_eq!((&told["tenant"], &told["events"]), (&json!("http"), &json!(1)), "{told}");
    assert!(told["entries"].as_u64() > Some(0), "{told}");
    erase().expect_error(404, "NOT_FOUND");
    gone.get("/api/log/lines").expect_error(401, "UNAUTHENTICATED");
    new_tenant(&daemon, "passer");
    assert!(!quotas(&daemon).contains("passer"), "{}", quotas(&daemon));

    goes.get("/api/log/lines").expect_error(401, "UNAUTHENTICATED");
    daemon
        .admin()
        .post("/api/_admin/tenants/leaver/erase", &json!({"confirm": "leaver"}))
        .expect_error(404, "NOT_FOUND");
    assert_eq!(lines(&keeps), 60);
    keeps.publish(&cloud_event("k61", "log.short.told", &json!({ "text": "plain" }))).expect_status(202);
    wait_until(PATIENCE, || (lines(&keeps) == 61).then_some(()));
    let report = verify(&daemon);
    assert!(report["events"].as_u64() >= Some(153), "{report}");
    let backup = folder.path().join("backup");
    let taken = daemon.command(&["store", "backup", "--to", backup.to_str().expect("a path")]);
    assert_eq!((taken.exit, grep(&backup, "quercus-robur")), (Some(0), false), "{}", taken.err);

    daemon.restart().expect("it starts again");
    assert_eq!(lines(&daemon.client()), 61);
    verify(&daemon);
    let again = new_tenant(&daemon, "leaver");
    assert_eq!(lines(&again), 0, "the name is free, and nothing comes with it");
    assert!(!quotas(&daemon).contains("leaver"), "{}", quotas(&daemon));
    daemon.restart().expect("it starts again");
    assert!(!quotas(&daemon).contains("leaver"), "{}", quotas(&daemon));
    assert!(daemon.stop().expect("it stops").success());
}

/// What a call used that began before its tenant was erased and ends after it is counted for nobody.
#[test]
fn a_call_that_outlives_its_tenant_leaves_nothing_of_it_behind() {
    let slow = r#"$app.routerAdd("POST", "/api/log/slow", { timeout: "60s" }, (e) => {
  let sum = 0;
  for (let turn = 0; turn < e.body.turns; turn += 1) sum += turn % 7;
  return sum;
});"#;
    let suite = Suite::new().plugin("log", MANIFEST, &format!("{CODE}{slow}")).file("log/schema.json", SCHEMA);
    let daemon = Start::suite(suite).run();
    let goes = new_tenant(&daemon, "leaver");
    let (mut turns, mut took) = (100_000, Duration::ZERO);
    while took < Duration::from_secs(2) {
        turns *= 2;
        let begun = std::time::Instant::now();
        goes.post("/api/log/slow", &json!({ "turns": turns })).expect_status(200);
        took = begun.elapsed();
    }
    let calls = |tenant: &str| {
        let sample = format!("trunkline_plugin_calls_total{{plugin=\"log\",tenant=\"{tenant}\"}} ");
        daemon.admin().get("/metrics").text.lines().any(|line| line.starts_with(&sample))
    };
    assert!(calls("leaver"), "what calls of it used is counted");
    std::thread::scope(|scope| {
        // Long enough for an erasure on a busy machine.
        let late = scope.spawn(|| goes.post("/api/log/slow", &json!({ "turns": turns * 5 })));
        std::thread::sleep(took / 2);
        let confirmed = json!({ "confirm": "leaver" });
        daemon.admin().post("/api/_admin/tenants/leaver/erase", &confirmed).expect_status(200);
        assert!(!calls("leaver"));
        assert!(!late.is_finished(), "the call ended before its tenant was erased");
        late.join().expect("a thread")
    });
    assert!(!calls("leaver"), "a late call of an erased tenant is counted");
    // One that comes again under the name begins with nothing.
    let again = new_tenant(&daemon, "leaver");
    assert!(!calls("leaver"));
    again.post("/api/log/slow", &json!({ "turns": 1 })).expect_status(200);
    assert!(calls("leaver"));
}
