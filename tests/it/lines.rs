//! Events published as the lines of one body: `POST /api/events` with `application/x-ndjson`.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use tests::client::cloud_event;
use tests::lines::Lines;
use tests::report::say;
use tests::{Daemon, Start, Suite};

const MANIFEST: &str = "
schema: schema.json
topics:
  till.sale.made: {kind: event, version: 1.0.0, schema: sale.json, visibility: public, key: /till}
  till.sum.request: {kind: request, version: 1.0.0, schema: any.json, visibility: public, timeout: 20s, replies: {ok: till.sum.told}}
  till.sum.told: {kind: reply, version: 1.0.0, schema: any.json}
publishes: [till.sum.told]
consumes: [till.sum.request]
roles: [{name: till.user, billable: false, grants: [till.use]}]
";
const SCHEMA: &str = r#"{"collections": []}"#;
const SALE: &str =
    r#"{"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}, "till": {"type": "string"}}}"#;
const CODE: &str = r#"$app.onEvent("till.sum.request", (e) => { e.reply({ sum: e.payload.a + e.payload.b }); });"#;
const TOPIC: &str = "till.sale.made";

fn till() -> Daemon {
    let suite = Suite::new().plugin("till", MANIFEST, CODE).file("till/schema.json", SCHEMA);
    Start::suite(suite.file("till/sale.json", SALE)).run()
}

fn sale(n: u64) -> String {
    cloud_event(&format!("sale-{n}"), TOPIC, &json!({"n": n, "till": "front"})).to_string()
}

fn stored(daemon: &Daemon) -> Vec<(String, u64)> {
    let mut all = Vec::new();
    loop {
        let after = all.last().map_or(0, |(_, sequence)| *sequence);
        let page =
            daemon.client().get(&format!("/api/events?topic={TOPIC}&limit=1000&after={after}")).expect_status(200);
        let page = page.body.as_array().expect("a page").clone();
        if page.is_empty() {
            return all;
        }
        all.extend(page.iter().map(|event| {
            let id = event["id"].as_str().expect("an id").to_owned();
            (
                id,
                event["sequence"]
                    .as_str()
                    .and_then(|text| text.parse().ok())
                    .or(event["sequence"].as_u64())
                    .expect("a sequence"),
            )
        }));
    }
}

#[test]
fn lines_are_published_in_their_order_and_bad_ones_are_told_one_by_one() {
    let daemon = till();
    let mut lines = Lines::open(&daemon.client(), "");
    let bad = [
        ("{\"type\":\"till.sale.made\",\"data\":{\"n\":\"x\"}}", 422, "PAYLOAD_INVALID"),
        ("{\"type\":\"till.sale.lost\",\"data\":{}}", 422, "TOPIC_UNKNOWN"),
        ("{\"type\":\"till.sum.told\",\"data\":{}}", 403, "TOPIC_NOT_PUBLIC"),
        ("{\"type\":", 400, "BODY_NOT_JSON"),
        ("[]", 422, "BODY_INVALID"),
    ];
    for (n, (line, ..)) in (0..).zip(&bad) {
        assert!(lines.send(&[sale(2 * n), (*line).to_owned(), sale(2 * n + 1)]));
    }
    for (n, (line, status, code)) in (0..).zip(bad) {
        assert_eq!(lines.next()["id"], format!("sale-{}", 2 * n));
        let refused = lines.next();
        assert_eq!(
            (&refused["status"], &refused["error"]["code"]),
            (&json!(status), &json!(code)),
            "{line}: {refused}"
        );
        assert_eq!(lines.next()["id"], format!("sale-{}", 2 * n + 1));
    }
    let ids: Vec<String> = stored(&daemon).into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, (0..10).map(|n| format!("sale-{n}")).collect::<Vec<_>>());
}

#[test]
fn requests_in_lines_are_answered_by_their_outcomes() {
    let daemon = till();
    let mut lines = Lines::open(&daemon.client(), "prefer: wait=20\r\n");
    let ask = |n: u64| cloud_event(&format!("ask-{n}"), "till.sum.request", &json!({"a": n, "b": 1})).to_string();
    assert!(lines.send(&(0..300).map(ask).collect::<Vec<_>>()));
    for n in 0..300 {
        let told = lines.next();
        assert_eq!((&told["id"], &told["status"]), (&json!(format!("ask-{n}")), &json!("ok")), "{told}");
        assert_eq!(told["reply"]["data"]["sum"], n + 1);
    }
}

#[test]
fn what_a_quota_refuses_is_told_with_when_to_come_back_and_the_rest_goes_on() {
    let daemon = till();
    let name = "TENANT_EVENTS_PER_SECOND_MAX";
    daemon
        .admin()
        .json("PUT", &format!("/api/_admin/quotas/{name}"), &[], &json!({"of": "demo", "value": 5}))
        .expect_status(200);
    let mut lines = Lines::open(&daemon.client(), "");
    assert!(lines.send(&(0..40).map(sale).collect::<Vec<_>>()));
    let answers: Vec<Value> = (0..40).map(|_| lines.next()).collect();
    let (refused, taken): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer["status"] == 429);
    assert!(!refused.is_empty() && !taken.is_empty(), "{answers:?}");
    for answer in refused {
        assert_eq!(answer["error"]["code"], "QUOTA_EXCEEDED", "{answer}");
        assert!(answer["retry_after"].as_u64().is_some_and(|seconds| seconds >= 1), "{answer}");
    }
    assert_eq!(stored(&daemon).len(), taken.len());
}

#[test]
fn what_was_answered_before_a_kill_is_there_once_and_in_order() {
    let mut daemon = till();
    let (mut known, mut sent) = (BTreeMap::new(), 0);
    for kill in 1..=3 {
        let mut lines = Lines::open(&daemon.client(), "");
        let pid = daemon.pid();
        let killer = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(150 * kill));
            tests::process::kill(pid);
        });
        // What the last life did not answer is sent again.
        let mut next = known.len() as u64;
        while lines.send(&(next..next + 50).map(sale).collect::<Vec<_>>()) {
            next += 50;
        }
        killer.join().expect("killed");
        sent = sent.max(next);
        for answer in lines.rest() {
            let (id, sequence) =
                (answer["id"].as_str().expect("an id").to_owned(), answer["sequence"].as_u64().expect("a sequence"));
            assert!(
                known.insert(id.clone(), sequence).is_none_or(|before| before == sequence),
                "{id} was given two places"
            );
        }
        daemon.kill();
        daemon.restart().expect("it starts again");
        let there = stored(&daemon);
        let places: BTreeMap<_, _> = there.iter().cloned().collect();
        assert_eq!(places.len(), there.len(), "an event is there twice");
        for (id, sequence) in &known {
            assert_eq!(places.get(id), Some(sequence), "{id} was acknowledged at {sequence}");
        }
        let order: Vec<String> = there.into_iter().map(|(id, _)| id).collect();
        assert_eq!(order, (0..order.len()).map(|n| format!("sale-{n}")).collect::<Vec<_>>(), "kill {kill}");
        known = places;
    }
    assert!(known.len() > 300, "only {} of {sent} events were published", known.len());
    say(&format!(
        "{} of {sent} events were there after three kills, all that were acknowledged among them",
        known.len()
    ));
}
