//! What an operator wishes of deliveries is done as it was wished, also later, or refused by name; nothing is lost over it.

use serde_json::{Value, json};
use std::time::Duration;
use tests::client::cloud_event;
use tests::{Client, Daemon, Start, Suite, wait_until};

const MANIFEST: &str = "
schema: schema.json
topics:
  desk.note.laid:
    {kind: event, version: 1.0.0, schema: any.json, visibility: public, key: /key, retry: {attempts: 1, then: dead-letter}}
publishes: [desk.note.laid]
consumes: [desk.note.laid]
roles: [{name: desk.user, billable: false, grants: [desk.use]}]
";
const SCHEMA: &str = r#"{"collections": [{"name": "desk_read", "fields": [
  {"name": "event", "type": "string"}, {"name": "text", "type": "string"}, {"name": "replay", "type": "boolean"}]}]}"#;
const CODE: &str = r#"
$app.onEvent("desk.note.laid", function read(e) {
  if (e.payload.text === "bad") throw new Error("unreadable");
  $app.dao().saveRecord("desk_read", { event: e.id, text: e.payload.text, replay: e.replay });
});
$app.routerAdd("POST", "/api/desk/later", () => $app.realtime().publish("desk.note.laid", { key: "later", text: "later" }, { delay: "1h" }));
$app.routerAdd("GET", "/api/desk/read", () => $app.dao().findRecordsByFilter("desk_read", {}, { sort: "created" }));
"#;
const PATIENCE: Duration = Duration::from_mins(1);

fn desk(code: &str) -> Start {
    Start::suite(Suite::new().plugin("desk", MANIFEST, code).file("desk/schema.json", SCHEMA))
}

fn lay(client: &Client, id: &str, text: &str) {
    client.publish(&cloud_event(id, "desk.note.laid", &json!({"key": id, "text": text}))).expect_status(202);
}

fn read(client: &Client) -> Vec<Value> {
    let read = client.get("/api/desk/read").expect_status(200).data().as_array().cloned().unwrap_or_default();
    read.iter().map(|one| json!([one["event"], one["text"], one["replay"]])).collect()
}

fn letters(daemon: &Daemon) -> Vec<Value> {
    daemon.admin().get("/api/_admin/dead-letters").expect_status(200).body.as_array().cloned().unwrap_or_default()
}

fn one_letter(daemon: &Daemon) -> String {
    let letter = wait_until(PATIENCE, || letters(daemon).into_iter().next());
    letter["id"].as_str().expect("an id").to_owned()
}

fn replays(daemon: &Daemon) -> Vec<Value> {
    daemon.admin().get("/api/_admin/replays").expect_status(200).body.as_array().cloned().unwrap_or_default()
}

fn able(daemon: &Daemon, what: &str) {
    daemon.admin().post(&format!("/api/_admin/plugins/desk/{what}"), &json!({})).expect_status(200);
}

/// An event that is due in an hour holds the cursor back, so what comes after it is not known to be handled by that alone.
#[test]
fn a_mended_payload_is_delivered_also_by_a_plugin_that_was_away() {
    let mut daemon = desk(CODE).run();
    daemon.client().post("/api/desk/later", &json!({})).expect_status(200);
    lay(&daemon.client(), "wrong", "bad");
    let id = one_letter(&daemon);
    able(&daemon, "disable");
    let mended = daemon.command(&["dead", "retry", &id, "--payload", r#"{"key": "wrong", "text": "mended"}"#]);
    assert_eq!(mended.exit, Some(0), "{}", mended.err);
    daemon.restart().expect("it starts again");
    able(&daemon, "enable");
    wait_until(PATIENCE, || (!read(&daemon.client()).is_empty() || !letters(&daemon).is_empty()).then_some(()));
    assert_eq!(read(&daemon.client()), [json!(["wrong", "mended", false])], "{:?}", letters(&daemon));
}

/// Reads what is "worse", and what is replayed, only once somebody has opened.
const FUSSY: &str = r#"
$app.onEvent("desk.note.laid", function read(e) {
  const { text } = e.payload;
  const isOpen = $app.dao().countRecords("desk_read", { text: "open" }) > 0;
  if (text === "bad" || ((text === "worse" || e.replay) && !isOpen)) throw new Error(`unreadable: ${text}`);
  $app.dao().saveRecord("desk_read", { event: e.id, text, replay: e.replay });
});
$app.routerAdd("POST", "/api/desk/later", () => $app.realtime().publish("desk.note.laid", { key: "later", text: "later" }, { delay: "1h" }));
$app.routerAdd("GET", "/api/desk/read", () => $app.dao().findRecordsByFilter("desk_read", {}, { sort: "created" }));
"#;

#[test]
fn a_mended_payload_that_fails_is_what_the_new_letter_holds_and_what_its_retry_delivers() {
    let mut daemon = desk(FUSSY).run();
    let client = daemon.client();
    lay(&client, "wrong", "bad");
    let id = one_letter(&daemon);
    assert!(letters(&daemon)[0].get("payload").is_none(), "{:?}", letters(&daemon));
    let payload = r#"{"key": "wrong", "text": "worse"}"#;
    assert_eq!(daemon.command(&["dead", "retry", &id, "--payload", payload]).exit, Some(0));
    wait_until(PATIENCE, || letters(&daemon).iter().any(|letter| letter["payload"]["text"] == "worse").then_some(()));
    let shown = daemon.command(&["dead", "show", &id]).out;
    assert!(shown.contains("in place of the event's") && shown.contains("\"worse\""), "{shown}");
    daemon.restart().expect("it starts again");
    let client = daemon.client();
    lay(&client, "later", "open");
    wait_until(PATIENCE, || (read(&client).len() == 1).then_some(()));
    assert_eq!(daemon.command(&["dead", "retry", &id]).exit, Some(0));
    wait_until(PATIENCE, || (read(&client).len() == 2).then_some(()));
    assert_eq!(read(&client)[1], json!(["wrong", "worse", false]));
}

#[test]
fn a_replay_that_fails_is_retried_as_a_replay() {
    let daemon = desk(FUSSY).run();
    let client = daemon.client();
    lay(&client, "kept", "good");
    wait_until(PATIENCE, || (read(&client).len() == 1).then_some(()));
    assert_eq!(daemon.command(&["events", "replay", "desk/read", "--from", "1"]).exit, Some(0));
    let id = one_letter(&daemon);
    assert_eq!(letters(&daemon)[0]["replay"], true);
    lay(&client, "later", "open");
    wait_until(PATIENCE, || (read(&client).len() == 2).then_some(()));
    assert_eq!(daemon.command(&["dead", "retry", &id]).exit, Some(0));
    wait_until(PATIENCE, || (read(&client).len() == 3).then_some(()));
    assert_eq!(read(&client)[2], json!(["kept", "good", true]));
}

/// What nobody has handled is not replayed: it is a dead letter, and its retry is what handles it, once.
#[test]
fn a_replay_leaves_dead_letters_to_their_retry() {
    let daemon = desk(CODE).run();
    let client = daemon.client();
    lay(&client, "wrong", "bad");
    lay(&client, "right", "good");
    let id = one_letter(&daemon);
    wait_until(PATIENCE, || (read(&client).len() == 1).then_some(()));
    assert_eq!(daemon.command(&["events", "replay", "desk/read", "--from", "1"]).exit, Some(0));
    wait_until(PATIENCE, || (read(&client).len() == 2 && replays(&daemon).is_empty()).then_some(()));
    let dead = "trunkline_events_dead_total{plugin=\"desk\"}";
    assert_eq!((daemon.metric(dead), letters(&daemon).len()), (1, 1), "it was tried by the replay");
    let payload = r#"{"key": "wrong", "text": "mended"}"#;
    assert_eq!(daemon.command(&["dead", "retry", &id, "--payload", payload]).exit, Some(0));
    wait_until(PATIENCE, || (read(&client).len() == 3).then_some(()));
    let read = read(&client);
    assert_eq!(read[1..], [json!(["right", "good", true]), json!(["wrong", "mended", false])], "{read:?}");
}

#[test]
fn a_replay_for_a_tenant_that_is_erased_ends_and_holds_up_no_other() {
    let daemon = desk(CODE).run();
    let client = daemon.client();
    let made = daemon.admin().post("/api/_admin/tenants", &json!({"tenant": "leaver"})).expect_status(201);
    let leaver = client.with_token(made.body["token"].as_str().expect("a token"));
    for n in 0..20 {
        lay(&leaver, &format!("l{n}"), "good");
    }
    lay(&client, "kept", "good");
    wait_until(PATIENCE, || (read(&leaver).len() == 20 && read(&client).len() == 1).then_some(()));
    let slow = ["events", "replay", "desk/read", "--from", "1", "--rate", "1", "--tenant", "leaver"];
    assert_eq!(daemon.command(&slow).exit, Some(0));
    assert_eq!(daemon.command(&["store", "erase-tenant", "leaver", "--yes"]).exit, Some(0));
    assert_eq!(daemon.command(&["events", "replay", "desk/read", "--from", "1"]).exit, Some(0));
    wait_until(PATIENCE, || (read(&client).len() == 2).then_some(()));
    wait_until(PATIENCE, || replays(&daemon).is_empty().then_some(()));
}

#[test]
fn a_replay_of_nothing_is_refused_by_name() {
    let daemon = desk(CODE).run();
    let client = daemon.client();
    for id in ["one", "two", "three"] {
        lay(&client, id, "good");
    }
    wait_until(PATIENCE, || (read(&client).len() == 3).then_some(()));
    let begin = |wish: Value| {
        let mut body = json!({"subscription": "desk/read"});
        body.as_object_mut().expect("an object").extend(wish.as_object().expect("an object").clone());
        daemon.admin().post("/api/_admin/replays", &body)
    };
    for (wish, why) in [
        (json!({"from": 5}), "`from` is 5, and the log ends at 3"),
        (json!({"from": "2999-01-01T00:00:00Z"}), "no event of that time or later"),
        (json!({"from": 3, "until": 2}), "`until` is 2, before the first event, 3"),
        (json!({"from": 1, "rate": 0}), "`rate` must be at least 1"),
    ] {
        let refused = begin(wish.clone());
        refused.expect_error(422, "BODY_INVALID");
        assert!(refused.text.contains(why), "{wish}: {}", refused.text);
    }
    assert!(replays(&daemon).is_empty());
    let ahead = daemon.command(&["events", "replay", "desk/read", "--from", "5"]);
    assert!(ahead.exit == Some(1) && ahead.err.contains("the log ends at 3"), "{}", ahead.err);
    begin(json!({"from": 1, "until": 1})).expect_status(202);
    wait_until(PATIENCE, || (read(&client).len() == 4).then_some(()));
}

/// A letter whose handler is gone would wait for it where nobody sees it.
#[test]
fn a_letter_of_a_handler_that_is_gone_stays_until_there_is_one() {
    let data = tempfile::tempdir().expect("a folder");
    let mut daemon = desk(CODE).data(data.path()).run();
    for id in ["w1", "w2"] {
        lay(&daemon.client(), id, "bad");
    }
    let before = wait_until(PATIENCE, || Some(letters(&daemon)).filter(|letters| letters.len() == 2));
    assert!(daemon.stop().expect("it stops").success());
    let renamed =
        CODE.replace("function read(e)", "function reads(e)").replace("text === \"bad\"", "text === \"worse\"");
    let mut daemon = desk(&renamed).data(data.path()).run();
    let id = before[0]["id"].as_str().expect("an id");
    let refused = daemon.command(&["dead", "retry", id]);
    assert_eq!(refused.exit, Some(1), "{}", refused.out);
    for part in ["SUBSCRIPTION_GONE", "desk/read", "formerly", "dead drop"] {
        assert!(refused.err.contains(part), "no {part}: {}", refused.err);
    }
    let all = daemon.admin().post("/api/_admin/dead-letters/retry?all=true", &json!({})).expect_status(200).body;
    assert_eq!((&all["count"], &all["left"]), (&json!(0), &json!(2)), "{all}");
    assert_eq!(letters(&daemon), before);
    assert!(daemon.stop().expect("it stops").success());
    let daemon =
        desk(&renamed.replace("function reads(e)", "{ formerly: 'read' }, function takes(e)")).data(data.path()).run();
    assert_eq!(daemon.command(&["dead", "retry", "--all"]).exit, Some(0));
    wait_until(PATIENCE, || (read(&daemon.client()).len() == 2).then_some(()));
}

/// A reader that has seen more than there is, as after a restore of an earlier backup, would wait in vain.
#[test]
fn a_reader_that_is_ahead_of_the_log_is_told_so() {
    let daemon = desk(CODE).run();
    let client = daemon.client();
    lay(&client, "one", "good");
    let resume = [("accept", "text/event-stream"), ("last-event-id", "2")];
    let refused = client.send("GET", "/api/realtime", &resume, None).expect("an answer");
    refused.expect_error(409, "CURSOR_AHEAD");
    assert!(refused.text.contains("the log ends at 1"), "{}", refused.text);
    client.get("/api/realtime?last_event_id=2").expect_error(409, "CURSOR_AHEAD");
    let tail = daemon.command(&["events", "tail", "--after", "7"]);
    assert!(tail.exit == Some(1) && tail.err.contains("CURSOR_AHEAD"), "{:?} {}", tail.exit, tail.err);
}

#[test]
fn only_so_many_replays_run_at_the_same_time() {
    let daemon = desk(CODE).run();
    for n in 0..60 {
        lay(&daemon.client(), &format!("n{n}"), "good");
    }
    wait_until(PATIENCE, || (read(&daemon.client()).len() == 60).then_some(()));
    let begin =
        || daemon.admin().post("/api/_admin/replays", &json!({"subscription": "desk/read", "from": 1, "rate": 1}));
    let mut ids = Vec::new();
    for _ in 0..contract_model::limits::REPLAYS_MAX {
        ids.push(begin().expect_status(202).body["id"].as_str().expect("an id").to_owned());
    }
    let refused = begin();
    refused.expect_error(503, "OVERLOADED");
    assert!(refused.text.contains("REPLAYS_MAX") && refused.header("retry-after") == "1", "{}", refused.text);
    assert_eq!(daemon.metric(r#"trunkline_refused_total{code="OVERLOADED",limit="REPLAYS_MAX"}"#), 1);
    assert_eq!(daemon.command(&["events", "replay", "--cancel", &ids[0]]).exit, Some(0));
    begin().expect_status(202);
}
