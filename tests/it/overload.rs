//! More than there is room for: what one tenant does too much of holds up no other, what is refused is refused by name,
//! queues stay within their limits, and all is well when it is over.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tests::client::cloud_event;
use tests::{Answer, Client, Daemon, Start, Suite, wait_until};

const PATIENCE: Duration = Duration::from_mins(2);
const MANIFEST: &str = "
schema: schema.json
topics:
  mill.grain.came: {kind: event, version: 1.0.0, schema: any.json, visibility: public, key: /bag}
  mill.bell.rang: {kind: event, version: 1.0.0, schema: any.json, visibility: public, retry: {attempts: 2, backoff: 50ms, cap: 100ms}}
publishes: [mill.grain.came, mill.bell.rang]
consumes: [mill.grain.came, mill.bell.rang]
roles: [{name: mill.user, billable: false, grants: [mill.use]}]
";
const SCHEMA: &str = r#"{"collections": [{"name": "mill_flour", "fields": [{"name": "bag", "type": "string"}]}]}"#;
const CODE: &str = r#"
function work(steps) { let sum = 0; for (let i = 0; i < steps; i++) sum += i % 7; return sum; }
$app.routerAdd("POST", "/api/mill/bring", (e) => {
  for (let i = 0; i < e.body.count; i++) $app.realtime().publish("mill.grain.came", { bag: `${e.body.from}-${i}` });
});
$app.routerAdd("POST", "/api/mill/ring", () => $app.realtime().publish("mill.bell.rang", {}));
$app.routerAdd("POST", "/api/mill/grind", (e) => work(e.body.steps));
$app.routerAdd("GET", "/api/mill/flour", () => $app.dao().countRecords("mill_flour", {}));
$app.onEvent("mill.grain.came", function grind(e) {
  work(20000);
  $app.dao().saveRecord("mill_flour", { bag: e.payload.bag });
});
$app.onEvent("mill.bell.rang", function echo(e) {
  for (let i = 0; i < 10; i++) $app.realtime().publish("mill.grain.came", { bag: `${e.id}-${i}` });
});
"#;

fn mill() -> Daemon {
    let suite = Suite::new().plugin("mill", MANIFEST, CODE);
    Start::suite(suite.file("mill/schema.json", SCHEMA)).run()
}

/// A client that holds every role in a new tenant.
fn tenant(daemon: &Daemon, name: &str) -> Client {
    let made = daemon.admin().post("/api/_admin/tenants", &json!({"tenant": name})).expect_status(201);
    daemon.client().with_token(made.body["token"].as_str().expect("a token"))
}

fn flour(client: &Client) -> u64 {
    client.get("/api/mill/flour").expect_status(200).data().as_u64().expect("a count")
}

fn set_quota(daemon: &Daemon, name: &str, body: &Value) -> Answer {
    daemon.admin().json("PUT", &format!("/api/_admin/quotas/{name}"), &[], body)
}

#[test]
fn a_storm_of_one_tenant_holds_up_no_other() {
    const STORM: u64 = 8_000;
    let daemon = mill();
    let (loud, calm) = (daemon.client(), tenant(&daemon, "calm"));
    // All at once, or the last would wait behind what the first have brought.
    std::thread::scope(|scope| {
        for from in 0..STORM / 1_000 {
            let loud = loud.with_token(loud.token());
            scope.spawn(move || {
                loud.post("/api/mill/bring", &json!({"from": from, "count": 1_000})).expect_status(200);
            });
        }
    });
    calm.post("/api/mill/bring", &json!({"from": "calm", "count": 1})).expect_status(200);
    let left = wait_until(PATIENCE, || (flour(&calm) == 1).then(|| STORM - flour(&loud)));
    assert!(left > STORM / 4, "the calm tenant's event came when only {left} of {STORM} were left of the storm");
    wait_until(PATIENCE, || (flour(&loud) == STORM).then_some(()));
    assert_eq!((flour(&loud), flour(&calm)), (STORM, 1));
}

#[test]
fn a_quota_is_set_kept_and_met_by_name() {
    const NAME: &str = "TENANT_EVENTS_PER_SECOND_MAX";
    let mut daemon = mill();
    let calm = tenant(&daemon, "calm");
    set_quota(&daemon, NAME, &json!({"of": "demo", "value": 3})).expect_status(200);
    daemon.restart().expect("started again");
    let client = daemon.client();
    let calm = client.with_token(calm.token());
    let quotas = daemon.admin().get("/api/_admin/quotas").expect_status(200).body;
    let mine = json!({"name": NAME, "of": "demo", "value": 3, "unit": "events", "set": true});
    assert!(quotas.as_array().expect("a list").contains(&mine), "{quotas}");

    let mut refused = 0;
    for number in 0..60 {
        let id = format!("e{number}");
        let answer = client.publish(&cloud_event(&id, "mill.grain.came", &json!({"bag": id})));
        calm.publish(&cloud_event(&id, "mill.grain.came", &json!({"bag": id}))).expect_status(202);
        if answer.status != 202 {
            answer.expect_error(429, "QUOTA_EXCEEDED");
            assert!(answer.text.contains(NAME), "{}", answer.text);
            assert!(answer.header("retry-after").parse::<u64>().is_ok_and(|wait| wait >= 1), "{answer:?}");
            client.get("/api/events/nowhere").expect_status(404);
            refused += 1;
        }
    }
    assert!(refused > 0, "60 events within a moment must pass 3 a second");
    let metrics = client.with_token("").get("/metrics").text;
    assert!(metrics.contains(&format!("trunkline_quota_refusals_total{{limit=\"{NAME}\"}} {refused}")), "{metrics}");
    assert!(metrics.contains(&format!("{{code=\"QUOTA_EXCEEDED\",limit=\"{NAME}\"}} {refused}")), "{metrics}");

    set_quota(&daemon, NAME, &json!({"of": "demo", "value": null})).expect_status(200);
    for number in 100..130 {
        client.publish(&cloud_event(&format!("e{number}"), "mill.grain.came", &json!({"bag": "b"}))).expect_status(202);
    }
    set_quota(&daemon, "NO_SUCH_QUOTA", &json!({"value": 3})).expect_error(404, "NOT_FOUND");
    set_quota(&daemon, NAME, &json!({"of": "nobody", "value": 3})).expect_error(404, "NOT_FOUND");
    set_quota(&daemon, NAME, &json!({"value": "many"})).expect_error(422, "BODY_INVALID");
}

#[test]
fn a_handler_that_meets_a_quota_waits_and_loses_nothing() {
    let daemon = mill();
    set_quota(&daemon, "PLUGIN_EVENTS_PER_SECOND_MAX", &json!({"of": "mill", "value": 25})).expect_status(200);
    let client = daemon.client();
    for number in 0..6 {
        client.publish(&cloud_event(&format!("bell{number}"), "mill.bell.rang", &json!({}))).expect_status(202);
    }
    // Two tries are all that the contract grants, and many more are needed.
    wait_until(PATIENCE, || (flour(&client) == 60).then_some(()));
    assert_eq!(daemon.admin().get("/api/_admin/dead-letters").expect_status(200).body, json!([]));
    let metrics = client.with_token("").get("/metrics").text;
    let met =
        metrics.lines().find(|line| line.contains("quota_refusals_total{limit=\"PLUGIN_EVENTS_PER_SECOND_MAX\"}"));
    assert!(met.is_some_and(|line| !line.ends_with(" 0")), "{met:?}");
}

/// Answers by status, and whether each refusal was a named one that says when to come again.
#[derive(Default)]
struct Load {
    answers: BTreeMap<u16, u64>,
    unnamed: Option<String>,
}

/// `clients` connections that ask as fast as they are answered, for so long. `TRUNKLINE_OVERLOAD_SECONDS` sets how long.
fn hammer(client: &Client, clients: usize, steps: u64, how_long: Duration, probe: impl Fn() + Sync) -> Load {
    let (load, over) = (Mutex::new(Load::default()), AtomicBool::new(false));
    let until = Instant::now() + how_long;
    std::thread::scope(|scope| {
        let askers: Vec<_> = (0..clients)
            .map(|_| {
                let client = client.with_token(client.token());
                let load = &load;
                scope.spawn(move || {
                    while Instant::now() < until {
                        let answer = client.post("/api/mill/grind", &json!({"steps": steps}));
                        let mut load = load.lock().expect("nobody has panicked");
                        *load.answers.entry(answer.status).or_default() += 1;
                        let is_named = matches!(answer.code(), "OVERLOADED" | "QUOTA_EXCEEDED")
                            && answer.header("retry-after").parse::<u64>().is_ok();
                        if answer.status == 200 {
                            continue;
                        }
                        if !is_named {
                            load.unnamed = Some(answer.text);
                        }
                        drop(load);
                        // Sooner than it was told to, but not so soon that asking is all that happens.
                        std::thread::sleep(Duration::from_millis(20));
                    }
                })
            })
            .collect();
        scope.spawn(|| {
            while !over.load(Ordering::Acquire) {
                probe();
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        for asker in askers {
            asker.join().expect("an asker");
        }
        over.store(true, Ordering::Release);
    });
    load.into_inner().expect("nobody has panicked")
}

fn resident_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a process");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("its memory");
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
}

/// What a turn at capacity and one at overload have served, and what else was seen.
struct Turn {
    at_capacity: u64,
    at_overload: u64,
}

/// Capacity and overload take turns, so that a moment in which the machine is busy hits both, and one turn in which it is
/// not shows what is kept: a queue that does not recover, or work that is done in vain, would be seen in every turn.
#[test]
#[expect(clippy::print_stdout, reason = "a test shows how much real work it did")]
fn three_times_what_can_be_done_is_refused_by_name_and_most_of_it_is_done() {
    const WAITING_MAX: u64 = 8;
    const STEPS: u64 = 40_000;
    const TURNS_MIN: usize = 3;
    const TURNS_MAX: usize = 15;
    const KEPT_PERCENT_MIN: u64 = 80;
    let seconds = std::env::var("TRUNKLINE_OVERLOAD_SECONDS").ok().and_then(|text| text.parse().ok());
    let how_long = seconds.map_or(Duration::from_millis(1_500), Duration::from_secs);
    let daemon = mill();
    let (client, calm) = (daemon.client(), tenant(&daemon, "calm"));
    set_quota(&daemon, "TENANT_CALLS_WAITING_MAX", &json!({"of": "demo", "value": WAITING_MAX})).expect_status(200);
    let (longest, calm_served) = (Mutex::new(0_u64), Mutex::new(0_u64));
    let probe = || {
        let metrics = calm.with_token("").get("/metrics").text;
        let queue = metrics.lines().find_map(|line| line.strip_prefix("trunkline_plugin_queue{plugin=\"mill\"} "));
        let queue = queue.and_then(|number| number.parse::<u64>().ok()).expect("the queue");
        let mut longest = longest.lock().expect("nobody has panicked");
        *longest = (*longest).max(queue);
        calm.post("/api/mill/grind", &json!({"steps": 1})).expect_status(200);
        *calm_served.lock().expect("nobody has panicked") += 1;
    };
    let served = |load: &Load| load.answers.get(&200).copied().unwrap_or(0);
    let (mut turns, mut refused, mut before_kib) = (Vec::new(), 0, 0);
    let kept = |turns: &[Turn]| -> Vec<u64> {
        turns.iter().map(|turn| turn.at_overload * 100 / turn.at_capacity.max(1)).collect()
    };
    let back = |turns: &[Turn]| -> Vec<u64> {
        turns.windows(2).map(|two| two[1].at_capacity * 100 / two[0].at_capacity.max(1)).collect()
    };
    let is_shown = |percents: Vec<u64>| percents.into_iter().any(|percent| percent >= KEPT_PERCENT_MIN);
    while turns.len() < TURNS_MAX {
        if turns.len() >= TURNS_MIN && is_shown(kept(&turns)) && is_shown(back(&turns)) {
            break;
        }
        // What can be done: as many as two workers and a short queue take. The calm tenant is there all along.
        let peak = hammer(&client, 6, STEPS, how_long, probe);
        assert_eq!(peak.answers.keys().copied().collect::<Vec<_>>(), [200], "{:?}", peak.unnamed);
        if turns.is_empty() {
            before_kib = resident_kib(daemon.pid());
        }
        let load = hammer(&client, 48, STEPS, how_long, probe);
        assert_eq!(load.unnamed, None, "{:?}", load.answers);
        refused += load.answers.get(&429).copied().unwrap_or(0);
        turns.push(Turn { at_capacity: served(&peak), at_overload: served(&load) });
    }
    let grown_kib = resident_kib(daemon.pid()).saturating_sub(before_kib);
    let longest = longest.into_inner().expect("nobody has panicked");
    let (kept, back) = (kept(&turns), back(&turns));
    println!(
        "{} served at capacity, {} at overload beside {refused} refused: {kept:?} % kept, {back:?} % of capacity right after \
         it; queue at most {longest}, {grown_kib} KiB more, {} of a calm tenant",
        turns.iter().map(|turn| turn.at_capacity).sum::<u64>(),
        turns.iter().map(|turn| turn.at_overload).sum::<u64>(),
        calm_served.into_inner().expect("nobody has panicked")
    );
    assert!(refused > 0 && turns.iter().all(|turn| turn.at_overload > 0), "too little was tried");
    assert!(longest <= WAITING_MAX + 1, "the queue grew to {longest}");
    assert!(grown_kib < 64 * 1024, "{grown_kib} KiB more");
    client.post("/api/mill/grind", &json!({"steps": 1})).expect_status(200);
    assert!(is_shown(kept.clone()), "only {kept:?} % of what can be done was done under overload");
    assert!(is_shown(back.clone()), "only {back:?} % could be done right after an overload");
}
