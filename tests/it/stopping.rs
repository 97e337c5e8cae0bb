//! An orderly end: what is under way ends and is answered, nothing new is begun, and what waits is done after the next
//! start.

use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tests::{Client, Daemon, Start, Suite, wait_until};

const MANIFEST: &str = "
schema: schema.json
topics:
  dock.ship.loaded: {kind: event, version: 1.0.0, schema: any.json}
publishes: [dock.ship.loaded]
consumes: [dock.ship.loaded]
roles: [{name: dock.user, billable: false, grants: [dock.use]}]
";
const SCHEMA: &str = r#"{"collections": [{"name": "dock_loads", "fields": [{"name": "ship", "type": "string"}]},
  {"name": "dock_seen", "fields": [{"name": "ship", "type": "string"}]}]}"#;
const CODE: &str = r#"
$app.routerAdd("POST", "/api/dock/load", { timeout: "30s" }, (e) => {
  let sum = 0;
  for (let turn = 0; turn < e.body.turns; turn += 1) sum += turn % 7;
  $app.dao().saveRecord("dock_loads", { ship: e.body.ship });
  $app.realtime().publish("dock.ship.loaded", { ship: e.body.ship });
  return sum;
});
$app.onEvent("dock.ship.loaded", function see(e) { $app.dao().saveRecord("dock_seen", { ship: e.payload.ship }); });
$app.routerAdd("GET", "/api/dock/all", () => ({
  loads: $app.dao().findRecordsByFilter("dock_loads", {}).map((one) => one.ship),
  seen: $app.dao().findRecordsByFilter("dock_seen", {}).map((one) => one.ship),
}));
"#;
/// A handler that does not come to its end, and asks for more time than a stop gives.
const ENDLESS: &str = "function see(e) { for (;;) {} }";
/// What a stop gives open requests, and after them handlers (`DRAIN_MS_MAX`), on a busy machine.
const DRAINED_WITHIN: Duration = Duration::from_secs(18);
const TURNS_MIN: u64 = 100_000;
/// How long the call takes that is under way.
const UNDER_WAY: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(30);

fn dock(code: &str, data: &std::path::Path) -> Daemon {
    let suite = Suite::new().plugin("dock", MANIFEST, code).file("dock/schema.json", SCHEMA);
    Start::suite(suite).data(data).run()
}

fn load(client: &Client, ship: &str, turns: u64) -> Option<u16> {
    client.try_post("/api/dock/load", &json!({ "ship": ship, "turns": turns })).ok().map(|answer| answer.status)
}

/// The ships of a list, in order of their names.
fn ships(daemon: &Daemon, list: &str) -> Vec<Value> {
    let all = daemon.client().get("/api/dock/all").expect_status(200);
    let mut ships = all.data()[list].as_array().cloned().unwrap_or_default();
    ships.sort_by_key(ToString::to_string);
    ships
}

#[test]
fn a_call_that_is_under_way_is_ended_and_answered_when_the_daemon_is_told_to_stop() {
    let data = tempfile::tempdir().expect("a folder");
    let mut daemon = dock(CODE, data.path());
    let mut turns = TURNS_MIN;
    loop {
        let begun = Instant::now();
        assert_eq!(load(&daemon.client(), "probe", turns), Some(200));
        if begun.elapsed() >= UNDER_WAY {
            break;
        }
        turns *= 2;
    }
    let probes = ships(&daemon, "loads").len();
    let (first, late) = (daemon.client(), daemon.client());
    let (told, (under_way, answered), after) = std::thread::scope(|scope| {
        let under_way = scope.spawn(move || (load(&first, "first", turns), Instant::now()));
        std::thread::sleep(UNDER_WAY / 4);
        let after = scope.spawn(move || {
            std::thread::sleep(UNDER_WAY / 4);
            load(&late, "late", 1)
        });
        let told = Instant::now();
        assert!(daemon.stop().expect("it stops").success());
        (told, under_way.join().expect("a thread"), after.join().expect("a thread"))
    });
    assert_eq!(under_way, Some(200), "what was under way was broken off");
    assert!(answered > told + UNDER_WAY / 8, "it was not under way when the daemon was told to stop");
    assert_ne!(after, Some(200), "what came after the signal was begun");
    daemon.restart().expect("it starts again");
    wait_until(PATIENCE, || (ships(&daemon, "seen").len() > probes).then_some(()));
    let (loads, seen) = (ships(&daemon, "loads"), ships(&daemon, "seen"));
    assert_eq!((loads.len(), &loads[0], seen), (probes + 1, &json!("first"), loads.clone()));
}

#[test]
fn a_handler_that_does_not_end_is_cut_off_at_a_stop_and_its_event_comes_again() {
    let data = tempfile::tempdir().expect("a folder");
    let see = "function see(e) { $app.dao().saveRecord(\"dock_seen\", { ship: e.payload.ship }); }";
    assert!(CODE.contains(see));
    let mut daemon = dock(&CODE.replace(see, &format!("{{ deadline: '4m' }}, {ENDLESS}")), data.path());
    assert_eq!(load(&daemon.client(), "argo", 1), Some(200));
    let in_hand = "trunkline_subscription{subscription=\"dock/see\",state=\"in-flight\"}";
    wait_until(PATIENCE, || (daemon.metric(in_hand) == 1).then_some(()));
    let told = Instant::now();
    assert!(daemon.stop().expect("it stops").success());
    let took = told.elapsed();
    assert!(took < DRAINED_WITHIN, "the stop took {took:?}");
    let limit = Duration::from_millis(contract_model::limits::DRAIN_MS_MAX);
    assert!(took >= limit, "the handler was given {took:?} of {limit:?}");
    drop(daemon);
    let daemon = dock(CODE, data.path());
    wait_until(PATIENCE, || (ships(&daemon, "seen") == [json!("argo")]).then_some(()));
    assert_eq!(daemon.command(&["dead", "list"]).out, "no dead letters\n");
}

/// `asks` needs `book` and is named before it: it begins after it, and while it still has something in hand, `book` is
/// there.
#[test]
fn who_is_required_begins_before_who_requires_it_and_ends_after() {
    let event = |slug: &str| {
        format!(
            "topics:\n  {slug}.sale.made: {{kind: event, version: 1.0.0, schema: any.json, visibility: public}}\npublishes: [{slug}.sale.made]\nconsumes: [{slug}.sale.made]\n"
        )
    };
    let code = |slug: &str, body: &str| {
        format!(
            "$app.onEvent('{slug}.sale.made', {{deadline: '60s'}}, function see() {{ {body} }});\n$app.routerAdd('POST', '/api/{slug}/sell', () => $app.realtime().publish('{slug}.sale.made', {{}}));"
        )
    };
    let suite = Suite::new()
        .plugin(
            "asks",
            &format!("{}requires: {{book: \"^1\"}}\n", event("asks")),
            &code("asks", "for (let i = 0; i < 20000000; i++);"),
        )
        .plugin("book", &event("book"), &code("book", "return 1;"));
    let mut daemon = Start::suite(suite).run();
    let plugins = daemon.admin().get("/api/_admin/plugins").expect_status(200).body;
    let begun: Vec<&Value> = plugins.as_array().into_iter().flatten().map(|plugin| &plugin["slug"]).collect();
    assert_eq!(begun, ["book", "asks"], "in the order in which they were put in force");
    let pid = daemon.pid();
    let alive = |slug: &str| !tests::process::workers(pid, slug).is_empty();
    for slug in ["book", "asks"] {
        let event = tests::client::cloud_event(&format!("of-{slug}"), &format!("{slug}.sale.made"), &json!({}));
        daemon.client().publish(&event).expect_status(202);
    }
    let in_hand = "trunkline_subscription{subscription=\"asks/see\",state=\"in-flight\"}";
    wait_until(PATIENCE, || (daemon.metric(in_hand) == 1 && alive("book")).then_some(()));
    let seen = std::thread::scope(|scope| {
        let stopping = scope.spawn(|| daemon.stop().expect("it stops").success());
        let mut seen = Vec::new();
        while !stopping.is_finished() {
            // Looked at first is who is to go last: between the two looks they may both end.
            let book = alive("book");
            seen.push((alive("asks"), book));
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(stopping.join().expect("a thread"));
        seen
    });
    assert!(seen.contains(&(true, true)), "{seen:?}");
    assert!(!seen.contains(&(true, false)), "`book` ended while `asks` still needed it: {seen:?}");
}
