//! What a manifest promises is held at run time: at the binding, at publish and between request and reply.

use serde_json::{Value, json};
use tests::client::cloud_event;
use tests::{Client, Daemon, Start, Suite};

const NOTE: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
  "required": ["id"], "additionalProperties": false,
  "properties": {"id": {"type": "string"}, "text": {"type": "string"}, "mode": {"type": "string"}}
}"#;

const PROBE: &str = "
topics:
  probe.note.made: {kind: event, version: 1.0.0, schema: note.json, visibility: public, idempotency: [/id]}
  probe.sum.request:
    kind: request
    version: 1.0.0
    schema: note.json
    visibility: public
    timeout: 2s
    idempotency: [/id]
    replies: {ok: probe.sum.done, error: probe.sum.failed}
  probe.sum.done: {kind: reply, version: 1.0.0, schema: note.json}
  probe.sum.failed: {kind: reply, version: 1.0.0, schema: note.json}
  probe.lost.request:
    kind: request
    version: 1.0.0
    schema: note.json
    visibility: public
    timeout: 1s
    replies: {ok: probe.lost.done, error: probe.lost.failed}
  probe.lost.done: {kind: reply, version: 1.0.0, schema: note.json}
  probe.lost.failed: {kind: reply, version: 1.0.0, schema: note.json}
publishes: [probe.note.made, probe.sum.request, probe.lost.request, probe.sum.done, probe.sum.failed]
consumes: [probe.note.made, probe.sum.request]
roles: [{name: probe.user, billable: false, grants: [probe.use]}]
allow:
  - {rule: TL401, topic: probe.lost.request, reason: nobody answers on purpose, owner: tests}
";

const CODE: &str = r#"
$app.routerAdd("POST", "/api/probe/publish", (e) => {
  /** @topics probe.note.made */
  return $app.realtime().publish(e.body.topic, e.body.payload);
});
$app.routerAdd("POST", "/api/probe/ask", (e) => {
  const handle = $app.request("probe.sum.request", e.body, { timeout: "2s" });
  return e.outcome(handle, { ok: 201, error: 422 });
});
$app.routerAdd("POST", "/api/probe/ask-lost", (e) => e.outcome($app.request("probe.lost.request", e.body), { ok: 201, error: 422 }));
$app.routerAdd("POST", "/api/probe/try", (e) => {
  try {
    $app.realtime().publish("probe.note.made", e.body.payload);
  } catch (error) {
    return error.code;
  }
});
$app.onEvent("probe.note.made", function seen() {});
$app.onEvent("probe.sum.request", function sum(e) {
  if (e.payload.mode === "silent") return;
  if (e.payload.mode === "refuse") e.reject({ id: e.payload.id, text: "no" });
  else e.reply({ id: e.payload.id, text: "yes" });
});
"#;

#[test]
fn a_topic_that_the_manifest_does_not_declare_cannot_be_published() {
    let (_daemon, client) = probe();
    let hidden = json!({"topic": "probe.hidden.made", "payload": {"id": "1"}});
    let answer = client.post("/api/probe/publish", &hidden);
    assert_eq!(answer.code(), "TOPIC_UNDECLARED", "{}", answer.text);
    assert!(answer.text.contains("probe.hidden.made"), "the topic is named: {}", answer.text);
    client.post("/api/probe/publish", &declared("1", "a")).expect_status(200);
}

#[test]
fn a_topic_that_the_manifest_does_not_declare_cannot_be_subscribed() {
    let code = "const topic = new Date(0).getTime() === 0 ? \"probe.hidden\" : \"probe.note.made\";\n\
                /** @topics probe.note.made */\n$app.onEvent(topic, function hidden() {});\n";
    let suite = probe_suite(&format!("{CODE}{code}"));
    let text = match Start::suite(suite).try_run() {
        Err(error) => format!("{error:#}"),
        Ok(_) => panic!("the daemon started"),
    };
    for part in ["exit status: 1", "`probe`", "TOPIC_UNDECLARED", "probe.hidden", "`consumes`", "src/main.js:"] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
}

/// The manifest allows a whole family, and an annotation says which of it the code uses. That nothing publishes the rest
/// is an error of its own, which a suite may make a warning.
const FAMILY: &str = "
topics:
  probe.a.made: {kind: event, visibility: public}
  probe.b.made: {kind: event, visibility: public}
  probe.c.made: {kind: event, visibility: public}
  probe.d.made: {kind: event, visibility: public}
  probe.sum.request: {kind: request, timeout: 2s, visibility: public, replies: {ok: probe.sum.done, error: probe.sum.failed}}
  probe.sum.done: {kind: reply}
  probe.sum.failed: {kind: reply}
publishes: [probe.a.made, probe.b.made, probe.c.made, probe.d.made, probe.sum.done, probe.sum.failed]
consumes: [\"probe.*.made\", probe.sum.request]
roles: [{name: probe.user, billable: false, grants: [probe.use]}]
";
const ANNOTATED: &str = r#"
$app.routerAdd("POST", "/api/probe/publish", (e) => {
  /** @topics probe.a.made probe.b.made */
  return $app.realtime().publish(e.body.topic, {});
});
$app.routerAdd("POST", "/api/probe/try", (e) => {
  try {
    /** @topics probe.a.made probe.b.made */
    $app.realtime().publish(e.body.topic, {});
  } catch (error) {
    return error.code;
  }
});
$app.routerAdd("POST", "/api/probe/plain", () => $app.realtime().publish("probe.d.made", {}));
$app.onEvent("probe.*.made", function seen() {});
$app.onEvent("probe.sum.request", function sum(e) {
  if (e.payload.refuse) e.reject({});
  else e.reply({});
});
"#;

#[test]
fn what_an_annotation_promised_is_held_at_publish() {
    let suite = Suite::new().settings("rules: {TL303: warn}\n").plugin("probe", FAMILY, ANNOTATED);
    let daemon = Start::suite(suite).run();
    let client = daemon.client();
    let ask = |verb: &str, topic: &str| client.post(&format!("/api/probe/{verb}"), &json!({"topic": topic}));
    for topic in ["probe.a.made", "probe.b.made"] {
        ask("publish", topic).expect_status(200);
    }
    ask("plain", "").expect_status(200);
    ask("publish", "probe.d.made").expect_error(500, "TOPIC_UNPROMISED");
    let refused = ask("publish", "probe.c.made");
    refused.expect_error(500, "TOPIC_UNPROMISED");
    for part in ["probe.c.made", "probe.a.made, probe.b.made", "`@topics`", "probe/src/main.js:4", "\"line\":4"] {
        assert!(refused.text.contains(part), "no {part:?} in {}", refused.text);
    }
    assert_eq!(ask("try", "probe.c.made").expect_status(200).data(), "TOPIC_UNPROMISED", "the call itself throws");
    assert_eq!(ask("publish", "probe.hidden").code(), "TOPIC_UNDECLARED", "the manifest comes first");
    let events = daemon.command(&["events", "list", "--json"]).out;
    assert!(events.contains("probe.b.made") && !events.contains("probe.c.made"), "nothing is stored: {events}");
    client.publish(&cloud_event("r-1", "probe.sum.request", &json!({}))).expect_status(202);
    let outcome = client.get("/api/events/r-1/outcome?wait=5s").expect_status(200);
    assert_eq!(outcome.body["status"], "ok", "a reply is the contract's: {}", outcome.text);
}

/// Each of these calls promised something of its own, and the last one nothing.
const EACH: &str = r#"
const send = (topic) => $app.realtime().publish(topic, {});
$app.routerAdd("POST", "/api/probe/one", (e) => {
  /** @topics probe.a.made */
  return $app.realtime().publish(e.body.topic, {});
});
$app.routerAdd("POST", "/api/probe/two", (e) => {
  const first = $app.realtime().publish("probe.d.made", {});
  /** @topics probe.b.made */
  return [first, $app.realtime().publish(e.body.topic, {}), $app.realtime().publish("probe.d.made", {})];
});
$app.routerAdd("POST", "/api/probe/late", async (e) => {
  await null;
  /** @topics probe.a.made */
  $app.realtime()
    .publish(
      e.body.topic,
      {},
    );
});
$app.routerAdd("POST", "/api/probe/plain", (e) => [send("probe.a.made"), send("probe.d.made")]);
$app.routerAdd("POST", "/api/probe/open", (e) => $app.realtime().publish(e.body.topic, {}));
$app.onEvent("probe.*.made", function seen() {});
$app.onEvent("probe.sum.request", function sum(e) {
  if (e.payload.refuse) e.reject({});
  else e.reply({});
});
"#;

/// A call of which nothing is known is held to the manifest alone; that loosens no other.
#[test]
fn each_call_is_held_to_what_it_promised_itself() {
    let suite = Suite::new().settings("rules: {TL303: warn}\n").plugin("probe", FAMILY, EACH);
    let daemon = Start::suite(suite).run();
    let client = daemon.client();
    let ask = |verb: &str, topic: &str| client.post(&format!("/api/probe/{verb}"), &json!({"topic": topic}));
    for (verb, allowed) in [("one", "probe.a.made"), ("two", "probe.b.made"), ("late", "probe.a.made")] {
        for topic in ["probe.a.made", "probe.b.made", "probe.c.made", "probe.d.made"] {
            let answer = ask(verb, topic);
            let status = if topic == allowed { 200 } else { 500 };
            assert_eq!(answer.status, status, "{verb} with {topic}: {}", answer.text);
            assert!(status == 200 || answer.code() == "TOPIC_UNPROMISED", "{}", answer.text);
        }
    }
    let refused = ask("two", "probe.a.made");
    assert!(refused.text.contains("the code promises probe.b.made at probe/src/main.js:10;"), "{}", refused.text);
    ask("plain", "").expect_status(200);
    ask("open", "probe.c.made").expect_status(200);
    assert_eq!(ask("open", "probe.hidden").code(), "TOPIC_UNDECLARED");
}

#[test]
fn what_an_annotation_promised_is_held_at_subscribe() {
    let code = "const topic = new Date(0).getTime() === 0 ? \"probe.c.made\" : \"probe.a.made\";\n\
                const heard = [topic][Math.floor(Math.random())];\n\
                /** @topics probe.a.made probe.b.made */\n$app.onEvent(heard, function hidden() {});\n";
    let code = ANNOTATED.replace("$app.onEvent(\"probe.*.made\", function seen() {});\n", code);
    let suite = Suite::new().settings("rules: {TL303: warn}\n").plugin("probe", FAMILY, &code);
    let text = match Start::suite(suite).try_run() {
        Err(error) => format!("{error:#}"),
        Ok(_) => panic!("the daemon started"),
    };
    for part in
        ["exit status: 1", "`probe`", "TOPIC_UNPROMISED", "probe.c.made", "probe.a.made, probe.b.made", "src/main.js:"]
    {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
}

#[test]
fn a_payload_that_breaks_its_schema_is_refused_at_publish() {
    let (_daemon, client) = probe();
    let wrong = json!({"topic": "probe.note.made", "payload": {"id": 1}});
    let answer = client.post("/api/probe/publish", &wrong);
    assert_eq!(answer.code(), "PAYLOAD_INVALID", "{}", answer.text);
    let details = &answer.body["error"]["details"];
    assert_eq!((&details["file"], &details["line"]), (&json!("src/main.js"), &json!(4)), "{}", answer.text);
    assert!(details["column"].as_u64().is_some_and(|column| column > 1), "{}", answer.text);
    assert_eq!(details["violations"][0]["path"], "/id", "{}", answer.text);
    let caught = client.post("/api/probe/try", &wrong).expect_status(200);
    assert_eq!(caught.data(), "PAYLOAD_INVALID", "the call itself throws: {}", caught.text);
    let outside = client.publish(&cloud_event("e1", "probe.note.made", &json!({"id": "1", "more": true})));
    assert_eq!(outside.code(), "PAYLOAD_INVALID", "{}", outside.text);
    assert!(outside.text.contains("more"), "the field is named: {}", outside.text);
}

#[test]
fn the_same_event_published_again_is_the_first_one() {
    let (_daemon, client) = probe();
    let first = client.post("/api/probe/publish", &declared("7", "a")).expect_status(200);
    let again = client.post("/api/probe/publish", &declared("7", "a")).expect_status(200);
    assert_eq!(first.data()["duplicate"], false);
    assert_eq!(again.data()["duplicate"], true);
    assert_eq!(first.data()["id"], again.data()["id"]);
}

#[test]
fn the_same_key_with_another_payload_is_a_conflict_and_stores_nothing() {
    let (_daemon, client) = probe();
    client.publish(&cloud_event("a", "probe.note.made", &json!({"id": "8", "text": "a"}))).expect_status(202);
    let other = cloud_event("b", "probe.note.made", &json!({"id": "8", "text": "b"}));
    client.publish(&other).expect_error(409, "idempotency_conflict");
    client.publish(&other).expect_error(409, "idempotency_conflict");
    let again = client.publish(&cloud_event("a", "probe.note.made", &json!({"id": "8", "text": "a"})));
    assert_eq!(again.expect_status(200).body["duplicate"], true);
}

#[test]
fn an_outcome_is_the_reply() {
    let (_daemon, client) = probe();
    let outcome = ask(&client, "ok-1", "probe.sum.request", "answer");
    assert_eq!(outcome["status"], "ok", "{outcome}");
    assert_eq!(outcome["reply"]["type"], "probe.sum.done");
    assert_eq!(outcome["reply"]["data"]["text"], "yes");
    let refused = ask(&client, "no-1", "probe.sum.request", "refuse");
    assert_eq!(refused["status"], "error", "{refused}");
    assert_eq!(refused["reply"]["type"], "probe.sum.failed");
}

#[test]
fn a_verb_answers_with_the_outcome_of_its_request() {
    let (_daemon, client) = probe();
    let ask = |id: &str, mode: &str| client.post("/api/probe/ask", &json!({"id": id, "mode": mode}));
    let done = ask("v1", "answer").expect_status(201);
    assert_eq!((&done.body["success"], &done.data()["text"]), (&json!(true), &json!("yes")), "{}", done.text);
    let refused = ask("v2", "refuse").expect_status(422);
    assert_eq!(refused.body["success"], false, "{}", refused.text);
    assert!(refused.text.contains("\"no\""), "the reply's payload is told: {}", refused.text);
    let late = ask("v3", "silent").expect_status(202);
    let event = late.data()["id"].as_str().unwrap_or_else(|| panic!("the event's id is told: {}", late.text));
    assert_eq!(client.get(&format!("/api/events/{event}")).expect_status(200).body["data"]["id"], "v3");
    let again = ask("v1", "answer").expect_status(201);
    assert_eq!(again.data(), done.data(), "a request met again by its key is answered by its first reply");
    client.post("/api/probe/ask-lost", &json!({"id": "v4"})).expect_error(422, "no_responder");
}

#[test]
fn nobody_to_answer_is_said_at_once_and_silence_is_a_timeout() {
    let (_daemon, client) = probe();
    assert_eq!(ask(&client, "lost-1", "probe.lost.request", "answer")["status"], "no_responder");
    assert_eq!(ask(&client, "late-1", "probe.sum.request", "silent")["status"], "timeout");
}

#[test]
fn an_unknown_topic_is_refused() {
    let (_daemon, client) = probe();
    let answer = client.publish(&cloud_event("u", "probe.never.heard", &json!({})));
    assert_eq!(answer.code(), "TOPIC_UNKNOWN", "{}", answer.text);
}

/// What is no event, or too large to be one, is refused by name, and nothing of it is stored.
#[test]
fn an_event_that_is_malformed_or_too_large_is_refused_and_nothing_is_stored() {
    let (daemon, client) = probe();
    let before = daemon.metric("trunkline_store_events");
    let whole = cloud_event("e1", "probe.note.made", &json!({"id": "1"}));
    let with = |name: &str, value: Value| {
        let mut event = whole.clone();
        event[name] = value;
        event.to_string()
    };
    let large = "x".repeat(1_100_000);
    for (body, status, code) in [
        ("{\"type\": \"probe.note.made\"".to_owned(), 400, "BODY_NOT_JSON"),
        ("\u{0}".to_owned(), 400, "BODY_NOT_JSON"),
        ("[]".to_owned(), 422, "BODY_INVALID"),
        (with("specversion", json!("0.3")), 422, "BODY_INVALID"),
        (with("id", json!("")), 422, "BODY_INVALID"),
        (with("id", json!("a b\n")), 422, "BODY_INVALID"),
        (with("id", json!(7)), 422, "BODY_INVALID"),
        (with("type", json!(null)), 422, "BODY_INVALID"),
        (with("type", json!("Probe..made")), 422, "TOPIC_UNKNOWN"),
        (with("data_base64", json!("e30=")), 422, "BODY_INVALID"),
        (with("data", json!(null)), 422, "PAYLOAD_INVALID"),
        (with("data", json!({"id": 1})), 422, "PAYLOAD_INVALID"),
        (with("data", json!({"id": "1", "text": large})), 413, "PAYLOAD_TOO_LARGE"),
        (with("data", json!({"id": "1", "text": large.repeat(2)})), 413, "BODY_TOO_LARGE"),
    ] {
        let headers = [("content-type", "application/cloudevents+json")];
        let answer = client.send("POST", "/api/events", &headers, Some(&body)).expect("an answer");
        let shown = &body[..body.len().min(120)];
        assert_eq!((answer.status, answer.code()), (status, code), "{shown}: {}", answer.text);
    }
    assert_eq!(daemon.metric("trunkline_store_events"), before);
    client.publish(&whole).expect_status(202);
    // The same again is the first one, and the same id with another payload is a conflict; both store nothing.
    client.publish(&whole).expect_status(200);
    client
        .publish(&cloud_event("e1", "probe.note.made", &json!({"id": "2"})))
        .expect_error(409, "idempotency_conflict");
    let patience = std::time::Duration::from_mins(1);
    tests::wait_until(patience, || (daemon.metric("trunkline_store_events") == before + 1).then_some(()));
}

/// Keys of a manifest that begin with `x-` are free; names that do are names.
#[test]
fn a_plugin_whose_slug_begins_with_x_has_its_contracts_held_to() {
    let manifest = "
topics:
  x-y.note.made: {kind: event, version: 1.0.0, schema: note.json, visibility: public}
publishes: [x-y.note.made]
";
    let code = r#"$app.routerAdd("POST", "/api/x-y/notes", (e) => $app.realtime().publish("x-y.note.made", e.body));"#;
    let suite = Suite::new().plugin("x-y", manifest, code).file("x-y/note.json", NOTE);
    let daemon = Start::suite(suite).run();
    let publish = |data: Value| daemon.client().publish(&cloud_event("e1", "x-y.note.made", &data));
    publish(json!({"id": 1})).expect_error(422, "PAYLOAD_INVALID");
    publish(json!({"id": "1"})).expect_status(202);
}

fn declared(id: &str, text: &str) -> Value {
    json!({"topic": "probe.note.made", "payload": {"id": id, "text": text}})
}

fn ask(client: &Client, id: &str, topic: &str, mode: &str) -> Value {
    let sent = client.publish(&cloud_event(id, topic, &json!({"id": id, "mode": mode}))).expect_status(202);
    let id = sent.body["id"].as_str().expect("an event has an id");
    client.get(&format!("/api/events/{id}/outcome?wait=10s")).expect_status(200).body
}

fn probe() -> (Daemon, Client) {
    let suite = probe_suite(CODE);
    let daemon = Start::suite(suite).run();
    let client = daemon.client();
    (daemon, client)
}

fn probe_suite(code: &str) -> Suite {
    Suite::new().plugin("probe", PROBE, code).file("probe/note.json", NOTE)
}
