//! What a subscription keeps of keys and tenants has a limit: past it, delivery waits, is counted, and goes on by itself.

use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use tests::client::cloud_event;
use tests::{Client, Daemon, Start, Suite, wait_for_growth, wait_until};

const PATIENCE: Duration = Duration::from_mins(1);
/// `SUBSCRIPTION_PARKED_KEYS_MAX` and `SUBSCRIPTION_TENANTS_BEHIND_MAX`.
const MOST: usize = 1_024;
/// More than that.
const MANY: usize = MOST + 30;
const MANIFEST: &str = "
schema: schema.json
topics:
  ward.case.opened: {kind: event, version: 1.0.0, schema: any.json, visibility: public, key: /who, retry: RETRY}
publishes: [ward.case.opened]
consumes: [ward.case.opened]
roles: [{name: ward.user, billable: false, grants: [ward.use]}]
";
const SCHEMA: &str = r#"{"collections": [{"name": "ward_seen", "fields": [{"name": "who", "type": "string"},
  {"name": "place", "type": "integer"}]}]}"#;
const SICK: &str = r#"
$app.onEvent("ward.case.opened", function treat(e) {
  if (!e.payload.well) throw new Error("no cure");
  $app.dao().saveRecord("ward_seen", { who: e.payload.who, place: e.payload.place ?? 0 });
});
$app.routerAdd("POST", "/api/ward/many", (e) => {
  for (let n = e.body.from; n < e.body.to; n += 1) $app.realtime().publish("ward.case.opened", { who: `${n}` });
});
$app.routerAdd("POST", "/api/ward/in-turn", (e) => {
  for (const place of e.body) $app.realtime().publish("ward.case.opened", { who: "one", place });
});
$app.routerAdd("GET", "/api/ward/seen", () => $app.dao().countRecords("ward_seen", {}));
$app.routerAdd("GET", "/api/ward/places", () =>
  $app.dao().findRecordsByFilter("ward_seen", {}, { sort: "created" }).map((seen) => seen.place));
"#;
const PARK: &str = "{attempts: 1, backoff: 20ms, cap: 200ms, then: park}";
const BURY: &str = "{attempts: 1, backoff: 20ms, cap: 200ms, then: dead-letter}";
/// So long that a storm of retries does not slow the test down.
const LATER: &str = "{attempts: 9, backoff: 5m, cap: 5m, then: dead-letter}";
const SOON: &str = "{attempts: 9, backoff: 20ms, cap: 200ms, then: dead-letter}";
const LETTERS: &str = "trunkline_store_entries{keyspace=\"dead-letters\"}";

fn ward(retry: &str, code: &str, data: &Path) -> Daemon {
    let suite = Suite::new().plugin("ward", &MANIFEST.replace("RETRY", retry), code);
    Start::suite(suite.file("ward/schema.json", SCHEMA)).data(data).run()
}

fn cured() -> String {
    SICK.replace("!e.payload.well", "false")
}

fn standing(daemon: &Daemon, state: &str) -> usize {
    let sample = format!("trunkline_subscription{{subscription=\"ward/treat\",state=\"{state}\"}}");
    usize::try_from(daemon.metric(&sample)).expect("small")
}

fn met(daemon: &Daemon, limit: &str) -> u64 {
    daemon.metric(&format!("trunkline_subscription_limits_met_total{{limit=\"{limit}\"}}"))
}

fn halted(daemon: &Daemon) -> u64 {
    daemon.metric("trunkline_subscription_halted{subscription=\"ward/treat\"}")
}

fn open_many(client: &Client) {
    for from in (0..MANY).step_by(500) {
        let some = json!({"from": from, "to": MANY.min(from + 500)});
        client.post("/api/ward/many", &some).expect_status(200);
    }
}

fn seen(client: &Client) -> usize {
    let count = client.get("/api/ward/seen").expect_status(200).data().as_u64().expect("a count");
    usize::try_from(count).expect("small")
}

/// All of them are treated in the end, and no more.
#[track_caller]
fn grows_to(daemon: &Daemon, all: usize) {
    wait_for_growth(PATIENCE, all as u64, || seen(&daemon.client()) as u64);
    assert_eq!(seen(&daemon.client()), all);
}

/// A case whose handler has nothing to complain of, of a key of its own.
fn well(client: &Client, id: &str) {
    client.publish(&cloud_event(id, "ward.case.opened", &json!({"who": id, "well": true}))).expect_status(202);
}

#[test]
fn what_finds_no_room_to_be_parked_is_tried_on_and_holds_up_nobody() {
    let data = tempfile::tempdir().expect("a folder");
    let mut daemon = ward(PARK, SICK, data.path());
    open_many(&daemon.client());
    wait_for_growth(PATIENCE, (MANY - MOST) as u64, || met(&daemon, "SUBSCRIPTION_PARKED_KEYS_MAX"));
    assert_eq!((standing(&daemon, "parked"), halted(&daemon)), (MOST, 0));
    wait_until(PATIENCE, || (daemon.metric(LETTERS) == MOST as u64).then_some(()));
    well(&daemon.client(), "beside");
    wait_until(PATIENCE, || (seen(&daemon.client()) == 1).then_some(()));

    // A kill changes nothing of it, and a mended handler takes what was tried on without an operator.
    daemon.kill();
    drop(daemon);
    let daemon = ward(PARK, &cured(), data.path());
    grows_to(&daemon, 1 + MANY - MOST);
    assert_eq!((standing(&daemon, "parked"), halted(&daemon)), (MOST, 0));
    daemon.admin().post("/api/_admin/dead-letters/retry?all=true", &json!({})).expect_status(200);
    grows_to(&daemon, 1 + MANY);
    assert_eq!((standing(&daemon, "parked"), halted(&daemon)), (0, 0));
    wait_until(PATIENCE, || (daemon.metric(LETTERS) == 0).then_some(()));
}

/// A contract that begins to park finds more dead letters than keys may be parked: which may go on cannot be told.
#[test]
fn a_subscription_with_more_parked_keys_than_may_be_stands_still_until_few_enough_are_left() {
    let data = tempfile::tempdir().expect("a folder");
    let mut daemon = ward(BURY, SICK, data.path());
    open_many(&daemon.client());
    wait_for_growth(PATIENCE, MANY as u64, || daemon.metric(LETTERS));
    daemon.stop().expect("it stops");

    let daemon = ward(PARK, SICK, data.path());
    assert_eq!(halted(&daemon), 1);
    assert!(daemon.log().contains("SUBSCRIPTION_PARKED_KEYS_MAX"), "nothing is said of it");
    well(&daemon.client(), "beside");
    let letters = daemon.admin().get("/api/_admin/dead-letters?limit=1000").expect_status(200).body;
    let ids: Vec<&str> =
        letters.as_array().expect("a list").iter().filter_map(|letter| letter["id"].as_str()).collect();
    let (last, others) = ids[..MANY - MOST].split_last().expect("some");
    let (retried, dropped) = others.split_at(others.len() / 2);
    for id in retried {
        let cure = json!({"payload": {"who": "cured", "well": true}});
        daemon.admin().post(&format!("/api/_admin/dead-letters/{id}/retry"), &cure).expect_status(200);
    }
    for id in dropped {
        daemon.admin().delete(&format!("/api/_admin/dead-letters/{id}")).expect_status(204);
    }
    assert_eq!((halted(&daemon), seen(&daemon.client())), (1, 0), "one too many is left");
    daemon.admin().delete(&format!("/api/_admin/dead-letters/{last}")).expect_status(204);
    assert_eq!((halted(&daemon), standing(&daemon, "parked")), (0, MOST));
    // What was retried meanwhile is handled now, and what came.
    wait_until(PATIENCE, || (seen(&daemon.client()) == retried.len() + 1).then_some(()));
}

/// The same, where those letters are of a tenant that is erased: nobody is left to retry or drop them.
#[test]
fn an_erased_tenant_holds_up_no_subscription() {
    let data = tempfile::tempdir().expect("a folder");
    let mut daemon = ward(BURY, SICK, data.path());
    let gone = tenant(&daemon, "gone");
    open_many(&gone);
    wait_for_growth(PATIENCE, MANY as u64, || daemon.metric(LETTERS));
    daemon.stop().expect("it stops");

    let daemon = ward(PARK, SICK, data.path());
    assert_eq!(halted(&daemon), 1);
    well(&daemon.client(), "beside");
    erase(&daemon, "gone");
    assert_eq!((halted(&daemon), standing(&daemon, "parked")), (0, 0));
    wait_until(PATIENCE, || (seen(&daemon.client()) == 1).then_some(()));

    // Keys that were parked one by one make room, too.
    let gone = tenant(&daemon, "gone-too");
    let many = json!({"from": 0, "to": 50});
    gone.post("/api/ward/many", &many).expect_status(200);
    daemon.client().post("/api/ward/many", &json!({"from": 0, "to": 5})).expect_status(200);
    wait_until(PATIENCE, || (standing(&daemon, "parked") == 55).then_some(()));
    assert!(kept(&daemon, "gone-too"), "its use is told");
    erase(&daemon, "gone-too");
    assert_eq!(standing(&daemon, "parked"), 5);
    assert!(!kept(&daemon, "gone-too") && kept(&daemon, "demo"), "what it used is forgotten");
}

fn tenant(daemon: &Daemon, name: &str) -> Client {
    let made = daemon.admin().post("/api/_admin/tenants", &json!({"tenant": name})).expect_status(201).body;
    daemon.client().with_token(made["token"].as_str().expect("a token"))
}

fn erase(daemon: &Daemon, name: &str) {
    daemon.admin().post(&format!("/api/_admin/tenants/{name}/erase"), &json!({"confirm": name})).expect_status(200);
}

/// Whether the figures tell of what a tenant used.
fn kept(daemon: &Daemon, tenant: &str) -> bool {
    daemon.admin().get("/metrics").text.contains(&format!("tenant=\"{tenant}\""))
}

#[test]
fn more_tenants_than_may_lag_wait_in_the_log_and_each_gets_its_events_once_and_in_order() {
    let data = tempfile::tempdir().expect("a folder");
    let mut daemon = ward(LATER, SICK, data.path());
    let tenants: Vec<String> = (0..MANY)
        .map(|number| {
            let name = json!({"tenant": format!("t{number}")});
            let made = daemon.admin().post("/api/_admin/tenants", &name).expect_status(201);
            made.body["token"].as_str().expect("a token").to_owned()
        })
        .collect();
    let of = |daemon: &Daemon, token: &String| daemon.client().with_token(token);
    for places in [json!([1]), json!([2, 3])] {
        for token in &tenants {
            of(&daemon, token).post("/api/ward/in-turn", &places).expect_status(200);
        }
    }
    wait_until(PATIENCE, || (met(&daemon, "SUBSCRIPTION_TENANTS_BEHIND_MAX") > 0).then_some(()));
    assert_eq!(standing(&daemon, "tenants-behind"), MOST);
    assert!(standing(&daemon, "held") <= MOST, "{}", standing(&daemon, "held"));
    daemon.stop().expect("it stops");

    let daemon = ward(SOON, &cured(), data.path());
    let handled = "trunkline_events_handled_total{plugin=\"ward\",topic=\"ward.case.opened\"}";
    wait_for_growth(PATIENCE, 3 * MANY as u64, || daemon.metric(handled));
    for token in tenants.iter().step_by(50).chain(tenants.last()) {
        let places = of(&daemon, token).get("/api/ward/places").expect_status(200).data().clone();
        assert_eq!(places, json!([1, 2, 3]) as Value);
    }
    assert_eq!((daemon.metric(handled), daemon.metric(LETTERS)), (3 * MANY as u64, 0));
    wait_until(PATIENCE, || (standing(&daemon, "tenants-behind") == 0).then_some(()));
}
