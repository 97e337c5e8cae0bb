//! Publishing, replying, and handling events.

use crate::harness::{NOW_MS, Parent, event, handler, load};
use contract_model::canonical::canonical_sha256;
use daemon_frame::{Draft, Ended, FaultKind, Promised, PromisedCall};
use serde_json::{Value, json};

fn subscriber(topic: &str, body: &str) -> Parent {
    Parent::start(load(&format!("$app.onEvent('{topic}', (e) => {{ {body} }});"))).expect("loads").0
}

fn draft(ended: Ended) -> Draft {
    match ended {
        Ended::Returned { draft, response: None } => draft,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_handler_gets_its_event() {
    let body = "$app.realtime().publish('ap.audit.seen', {...e, functions: [typeof e.reply, typeof e.reject]});";
    let mut parent = subscriber("gl.journal.posted", body);
    let draft = draft(parent.call(event("gl.journal.posted", json!({"no": 1}))).ended);
    let expected = json!({"topic": "gl.journal.posted", "payload": {"no": 1}, "id": "event-1", "tenant": "demo",
        "attempt": 2, "correlationId": "story-1", "replay": false, "roles": [], "publisher": "plugin:gl", "sequence": 12,
        "time": "2023-11-14T22:13:20.123Z", "headers": {}, "functions": ["function", "function"]});
    assert_eq!(draft.events[0].payload, expected);
    assert_eq!(NOW_MS % 1_000, 123);
}

#[test]
fn publish_buffers_an_event_with_its_options() {
    let mut parent = Parent::of(&handler(
        "return $app.realtime().publish('ap.bill.approved', {at: new Date(0), n: 10n, gone: undefined},
            {key: 'k', delay: '2s', headers: {a: 'b'}});",
    ));
    let draft = parent.draft(json!(null));
    let event = &draft.events[0];
    assert_eq!(event.payload, json!({"at": "1970-01-01T00:00:00.000Z", "n": 10}));
    assert_eq!((event.key.as_deref(), event.delay_ms, event.reply), (Some("k"), 2_000, false));
    assert_eq!(Value::Object(event.headers.clone()), json!({"a": "b"}));
    assert_eq!(parent.data(json!(null)), json!({"id": event.id, "duplicate": false}));
    assert!(parent.store.asked.is_empty());
}

#[test]
fn what_the_manifest_does_not_declare_is_refused() {
    for (body, part) in [
        ("$app.realtime().publish('gl.journal.posted', {})", "publishes"),
        ("$app.realtime().publish('ap.audit.a.b', {})", "publishes"),
        ("$app.request('gl.journal.post', {})", "publishes"),
    ] {
        let failure = Parent::of(&handler(body)).failure(json!(null));
        assert_eq!(failure.error.code, "TOPIC_UNDECLARED");
        assert!(failure.error.message.contains(part));
    }
    Parent::of(&handler("$app.realtime().publish('ap.audit.a', {})")).draft(json!(null));
}

#[test]
fn what_the_code_promised_is_held() {
    let body = "$app.realtime().publish(e.body, {})";
    let mut load = crate::harness::load(&handler(body));
    load.promised_publishes = Some(Promised {
        calls: vec![PromisedCall {
            topics: vec!["ap.bill.approved".to_owned(), "ap.audit.*".to_owned()],
            trusted: true,
            place: "ap/src/main.js:3".to_owned(),
            ..PromisedCall::default()
        }],
        open: false,
    });
    let (mut parent, _) = Parent::start(load).expect("loads");
    parent.draft(json!("ap.bill.approved"));
    parent.draft(json!("ap.audit.z"));
    let failure = parent.failure(json!("ap.bill.refused"));
    assert_eq!(failure.error.code, "TOPIC_UNPROMISED");
    for part in ["ap.bill.refused", "ap.bill.approved", "ap/src/main.js:3"] {
        assert!(failure.error.message.contains(part), "{}", failure.error.message);
    }
}

#[test]
fn the_same_event_again_is_a_duplicate_and_another_payload_a_conflict() {
    let body = "const publish = (p) => $app.realtime().publish('ap.bill.keyed', p);
        const first = publish({billId: 'b1', line: 2}); const again = publish({line: 2, billId: 'b1'});
        let code; try { publish({billId: 'b1', line: 2, more: 1}) } catch (error) { code = [error.code, error.status] }
        return {first, again, code};";
    let mut parent = Parent::of(&handler(body));
    let data = parent.data(json!(null));
    assert_eq!(data["first"]["duplicate"], false);
    assert_eq!(data["again"], json!({"id": data["first"]["id"], "duplicate": true}));
    assert_eq!(data["code"], json!(["idempotency_conflict", 409]));
    let draft = parent.draft(json!(null));
    assert_eq!(draft.events.len(), 1);
    assert_eq!(draft.events[0].idempotency_key.as_deref(), Some("b1/2"));
}

#[test]
fn an_event_that_the_store_knows_is_not_buffered_again() {
    let body = "return $app.realtime().publish('ap.bill.approved', e.body, {idempotencyKey: 'k1'});";
    let mut parent = Parent::of(&handler(body));
    let key = ("ap.bill.approved".to_owned(), "k1".to_owned());
    parent.store.events.insert(key, ("old".to_owned(), canonical_sha256(&json!({"a": 1}))));
    assert_eq!(parent.data(json!({"a": 1})), json!({"id": "old", "duplicate": true}));
    assert!(parent.draft(json!({"a": 1})).events.is_empty());
    let failure = parent.failure(json!({"a": 2}));
    assert_eq!((failure.error.code.as_str(), failure.kind), ("idempotency_conflict", FaultKind::App));
}

#[test]
fn a_payload_without_its_key_is_invalid() {
    let failure = Parent::of(&handler("$app.realtime().publish('ap.bill.keyed', {billId: 'b1'})")).failure(json!(null));
    assert_eq!(failure.error.code, "PAYLOAD_INVALID");
    assert!(failure.error.message.contains("/line"), "{}", failure.error.message);
}

#[test]
fn replies_go_to_the_declared_topics() {
    let mut parent = subscriber("ap.bill.check", "e.payload.ok ? e.reply({yes: 1}) : e.reject({no: 1});");
    let ok = draft(parent.call(event("ap.bill.check", json!({"ok": true}))).ended);
    assert_eq!((ok.events[0].topic.as_str(), ok.events[0].reply), ("ap.bill.checked", true));
    let no = draft(parent.call(event("ap.bill.check", json!({"ok": false}))).ended);
    assert_eq!((no.events[0].topic.as_str(), &no.events[0].payload), ("ap.bill.refused", &json!({"no": 1})));
    let mut parent = subscriber("gl.journal.posted", "e.reply({});");
    let Ended::Threw(failure) = parent.call(event("gl.journal.posted", json!({}))).ended else { panic!() };
    assert_eq!(failure.error.code, "TOPIC_UNDECLARED");
}

#[test]
fn what_an_event_handler_returns_does_not_matter() {
    let mut parent =
        Parent::start(load("const seen = new Set(); $app.onEvent('fx.a', (e) => seen.add(e.id));")).expect("loads").0;
    assert!(draft(parent.call(event("fx.a", json!({}))).ended).events.is_empty());
}

#[test]
fn nothing_remains_of_a_handler_that_throws() {
    let body = "$app.dao().saveRecord('ap_bills', {no: '1'}); $app.realtime().publish('ap.bill.approved', {});
        throw new Error('after all');";
    let mut parent = Parent::of(&handler(body));
    assert_eq!(parent.failure(json!(null)).error.message, "Error: after all");
}

#[test]
fn events_of_a_call_are_bounded() {
    let body = "for (;;) $app.realtime().publish('ap.bill.approved', {})";
    let failure = Parent::of(&handler(body)).failure(json!(null));
    assert_eq!(failure.error.code, "OVERLOADED");
}

#[test]
fn wrong_options_are_named() {
    for (options, part) in [("{kee: 1}", "kee"), ("{delay: 'soon'}", "soon"), ("{headers: 1}", "headers")] {
        let body = format!("$app.realtime().publish('ap.bill.approved', {{}}, {options})");
        let failure = Parent::of(&handler(&body)).failure(json!(null));
        assert!(failure.error.message.contains(part), "{}", failure.error.message);
    }
}
