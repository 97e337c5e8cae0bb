//! Events are delivered again on an operator's wish: handled ones by a replay, dead letters as they were or mended.

use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tests::client::cloud_event;
use tests::{Client, Daemon, Start, Suite};

const MANIFEST: &str = "
schema: schema.json
topics:
  till.sale.made:
    kind: event
    version: 1.0.0
    schema: sale.json
    visibility: public
    key: /till
    retry: {attempts: 1, then: dead-letter}
  till.refund.made:
    kind: event
    version: 1.0.0
    schema: sale.json
    visibility: public
    retry: {attempts: 1, then: dead-letter}
publishes: [till.sale.made, till.refund.made]
consumes: [till.sale.made, till.refund.made]
roles: [{name: till.user, billable: false, grants: [till.use]}]
";
const SALE: &str = r#"{"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
  "required": ["till"], "properties": {"till": {"type": "string"}, "bad": {"type": "boolean"}}}"#;
const SCHEMA: &str = r#"{"collections": [{"name": "till_seen", "fields": [{"name": "event", "type": "string"},
  {"name": "replay", "type": "boolean"}, {"name": "till", "type": "string"}]}, {"name": "till_mended", "fields": [{"name": "on", "type": "boolean"}]}]}"#;
const CODE: &str = r#"
function see(e) {
  if (e.payload.bad && $app.dao().countRecords("till_mended", {}) === 0) throw new Error("bad sale");
  $app.dao().saveRecord("till_seen", { event: e.id, replay: e.replay, till: e.payload.till });
}
$app.onEvent("till.sale.made", function sales(e) { see(e); });
$app.onEvent("till.refund.made", function refunds(e) { see(e); });
$app.routerAdd("POST", "/api/till/many", (e) => {
  for (let i = 0; i < e.body.count; i++) $app.realtime().publish("till.sale.made", { till: `t${i}`, bad: true });
});
$app.routerAdd("POST", "/api/till/mend", () => $app.dao().saveRecord("till_mended", { on: true }));
$app.routerAdd("GET", "/api/till/seen", () => $app.dao().findRecordsByFilter("till_seen", {}));
$app.routerAdd("POST", "/api/till/sale", (e) => $app.realtime().publish("till.sale.made", e.body));
$app.routerAdd("POST", "/api/till/refund", (e) => $app.realtime().publish("till.refund.made", e.body));
"#;
const SALES: usize = 30;
const PATIENCE: Duration = Duration::from_mins(1);

#[test]
fn a_replay_delivers_each_event_once_more_and_goes_on_after_a_kill() {
    let mut daemon = till();
    let client = daemon.client();
    (0..SALES)
        .for_each(|at| send(&client, "till.sale.made", &format!("s{at}"), &json!({"till": format!("t{}", at % 3)})));
    send(&client, "till.refund.made", "r0", &json!({"till": "t0"}));
    wait_until(|| (seen(&client).len() == SALES + 1).then_some(()));
    let begun = daemon.command(&["events", "replay", "till/sales", "--from", "1", "--rate", "20"]);
    assert!(begun.exit == Some(0) && begun.out.contains("till/sales"), "{}{}", begun.out, begun.err);
    wait_until(|| (again(&client).len() >= 5).then_some(()));
    daemon.kill();
    daemon.restart().expect("the daemon starts again");
    let client = daemon.client();
    wait_until(|| (again(&client).len() == SALES).then_some(()));
    wait_until(|| daemon.command(&["events", "replay", "--list"]).out.is_empty().then_some(()));
    // Each sale twice, in order within its till, and nobody else was told.
    let replayed = again(&client);
    let mut events: Vec<&str> = replayed.iter().filter_map(|one| one["event"].as_str()).collect();
    events.sort_unstable();
    events.dedup();
    assert_eq!((events.len(), replayed.len(), seen(&client).len()), (SALES, SALES, 2 * SALES + 1));
}

#[test]
fn a_replay_is_narrowed_begun_by_time_and_cancelled() {
    let daemon = till();
    let client = daemon.client();
    send(&client, "till.sale.made", "early", &json!({"till": "a"}));
    std::thread::sleep(Duration::from_millis(30));
    send(&client, "till.sale.made", "late", &json!({"till": "a"}));
    wait_until(|| (seen(&client).len() == 2).then_some(()));
    let late = client.get("/api/events/late").expect_status(200);
    let time = late.body["time"].as_str().expect("a time");
    assert!(daemon.command(&["events", "replay", "till/sales", "--from", time]).exit == Some(0));
    wait_until(|| (again(&client).len() == 1).then_some(()));
    assert_eq!(again(&client)[0]["event"], "late");
    let first = client.get("/api/events/early").expect_status(200).body["sequence"].as_str().map(str::to_owned);
    let first = first.expect("a sequence");
    let other = daemon.admin().post("/api/_admin/tenants", &json!({"tenant": "other"})).expect_status(201);
    let other = client.with_token(other.body["token"].as_str().expect("a token"));
    let of_other = ["events", "replay", "till/sales", "--from", "1", "--tenant", "other"];
    assert!(daemon.command(&of_other).exit == Some(0));
    let one = ["events", "replay", "till/sales", "--from", "1", "--until", &first];
    assert!(daemon.command(&one).exit == Some(0));
    wait_until(|| (again(&client).len() == 2).then_some(()));
    assert!(seen(&other).is_empty());
    let unknown = daemon.command(&["events", "replay", "till/sale", "--from", "1"]);
    assert!(unknown.exit != Some(0) && unknown.err.contains("there are till/refunds, till/sales"), "{}", unknown.err);
    let when = daemon.command(&["events", "replay", "till/sales", "--from", "yesterday"]);
    assert!(when.err.contains("`from` must be a sequence, or a time"), "{}", when.err);
    let gone = daemon.command(&["events", "replay", "--cancel", "nothing"]);
    assert!(gone.err.contains("there is no replay `nothing`"), "{}", gone.err);
}

#[test]
fn a_replay_keeps_to_few_events_a_second() {
    let daemon = till();
    let client = daemon.client();
    let (sales, rate) = (7, 2);
    (0..sales).for_each(|at| send(&client, "till.sale.made", &format!("s{at}"), &json!({"till": "a"})));
    wait_until(|| (seen(&client).len() == sales).then_some(()));
    let begun = Instant::now();
    let replay = ["events", "replay", "till/sales", "--from", "1", "--rate", &rate.to_string()];
    assert_eq!(daemon.command(&replay).exit, Some(0));
    wait_until(|| (again(&client).len() == sales).then_some(()));
    // The first may come at once, and two of them on both sides of a second's end.
    let least = Duration::from_secs((sales as u64 - 3) / rate);
    assert!(begun.elapsed() >= least, "{sales} events at {rate} a second took {:?}", begun.elapsed());
}

#[test]
fn a_dead_letter_is_mended_and_retried() {
    let daemon = till();
    let client = daemon.client();
    send(&client, "till.sale.made", "wrong", &json!({"till": "a", "bad": true}));
    let letter = wait_until(|| dead(&daemon, &[]).into_iter().next());
    let id = letter["id"].as_str().expect("an id");
    let refused = daemon.command(&["dead", "retry", id, "--payload", r#"{"till": 7}"#]);
    assert!(refused.exit != Some(0) && refused.err.contains("PAYLOAD_INVALID"), "{}", refused.err);
    assert_eq!(dead(&daemon, &[]).len(), 1, "nothing has changed");
    let mended = daemon.command(&["dead", "retry", id, "--payload", r#"{"till": "mended"}"#]);
    assert!(mended.exit == Some(0), "{}", mended.err);
    let seen = wait_until(|| seen(&client).into_iter().find(|one| one["event"] == "wrong"));
    assert_eq!((&seen["till"], &seen["replay"]), (&json!("mended"), &json!(false)));
    let logged = client.get("/api/events/wrong").expect_status(200);
    assert_eq!(logged.body["data"], json!({"till": "a", "bad": true}), "the log stays as it was");
}

#[test]
fn many_dead_letters_are_told_apart_retried_and_dropped_at_once() {
    let daemon = till();
    let client = daemon.client();
    for at in 0..5 {
        send(&client, "till.sale.made", &format!("s{at}"), &json!({"till": "a", "bad": true}));
        send(&client, "till.refund.made", &format!("r{at}"), &json!({"till": "a", "bad": true}));
    }
    wait_until(|| (dead(&daemon, &[]).len() == 10).then_some(()));
    assert_eq!(dead(&daemon, &["--topic", "till.sale.*"]).len(), 5);
    assert_eq!(dead(&daemon, &["--code", "PLUGIN_ERROR", "--plugin", "till"]).len(), 10);
    assert!(dead(&daemon, &["--code", "PLUGIN_DEADLINE"]).is_empty());
    let none = daemon.command(&["dead", "drop"]);
    assert_eq!(none.exit, Some(2), "{}", none.err);
    assert!(none.err.contains("which dead letters? Give their ids, or choose them by --topic"), "{}", none.err);
    let two = daemon.command(&["dead", "retry", "a", "b", "--payload", "{}"]);
    assert!(two.exit == Some(2) && two.err.contains("2 dead letters are named"), "{}", two.err);
    assert!(daemon.command(&["dead", "drop", "--topic", "till.refund.made"]).out.contains("5 given up"));
    let before: Vec<Value> = dead(&daemon, &[]).into_iter().map(|letter| letter["time"].clone()).collect();
    assert_eq!(before.len(), 5);
    assert!(daemon.command(&["dead", "retry", "--all"]).out.contains("5 offered again"));
    // They fail again: new letters of the same events.
    wait_until(|| {
        let now: Vec<Value> = dead(&daemon, &[]).into_iter().map(|letter| letter["time"].clone()).collect();
        (now.len() == 5 && now.iter().all(|time| !before.contains(time))).then_some(())
    });
    assert!(daemon.command(&["dead", "drop", "--all"]).out.contains("5 given up"));
    assert!(dead(&daemon, &[]).is_empty());
    assert_eq!(daemon.command(&["dead", "list"]).out, "no dead letters\n");
}

#[test]
fn more_dead_letters_than_memory_holds_are_all_retried_once() {
    let daemon = till();
    let client = daemon.client();
    // Well over twice the events that a subscription holds in memory.
    let (rounds, each) = (5, 600);
    for _ in 0..rounds {
        client.post("/api/till/many", &json!({"count": each})).expect_status(200);
    }
    let all = rounds * each;
    wait_until(|| (dead(&daemon, &[]).len() == all).then_some(()));
    client.post("/api/till/mend", &json!({})).expect_status(200);
    // Two operators at once: what the one takes, the other finds gone.
    let counts: Vec<usize> = std::thread::scope(|scope| {
        let retry = || {
            let answer = daemon.admin().post("/api/_admin/dead-letters/retry?all=true", &json!({})).expect_status(200);
            assert_eq!(answer.body["left"], 0);
            usize::try_from(answer.body["count"].as_u64().expect("a count")).expect("small")
        };
        let both = [scope.spawn(retry), scope.spawn(retry)];
        both.map(|one| one.join().expect("an answer")).into()
    });
    assert_eq!(counts.iter().sum::<usize>(), all, "{counts:?}");
    wait_until(|| (seen(&client).len() >= all).then_some(()));
    assert_eq!((seen(&client).len(), dead(&daemon, &[]).len()), (all, 0));
}

fn till() -> Daemon {
    let suite =
        Suite::new().plugin("till", MANIFEST, CODE).file("till/schema.json", SCHEMA).file("till/sale.json", SALE);
    Start::suite(suite).run()
}

fn send(client: &Client, topic: &str, id: &str, payload: &Value) {
    client.publish(&cloud_event(id, topic, payload)).expect_status(202);
}

fn seen(client: &Client) -> Vec<Value> {
    client.get("/api/till/seen").expect_status(200).data().as_array().cloned().unwrap_or_default()
}

fn again(client: &Client) -> Vec<Value> {
    seen(client).into_iter().filter(|one| one["replay"] == json!(true)).collect()
}

fn dead(daemon: &Daemon, args: &[&str]) -> Vec<Value> {
    let listed = daemon.command(&[&["dead", "list", "--json"], args].concat());
    assert!(listed.exit == Some(0), "{}", listed.err);
    serde_json::from_str(&listed.out).expect("a list")
}

fn wait_until<T>(look: impl Fn() -> Option<T>) -> T {
    tests::wait_until(PATIENCE, look)
}
