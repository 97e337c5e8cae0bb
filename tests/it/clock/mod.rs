//! A clock that is put forward and back by days under a running daemon: nothing is lost, done twice or held up, and what
//! waits for a time of day comes when it is that time.

mod full;
mod outcomes;

use serde_json::json;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tests::report::say;
use tests::{Client, Daemon, Start, Suite, wait_until};

const MANIFEST: &str = "
schema: schema.json
topics:
  dial.bell.rang:
    {kind: event, version: 1.0.0, schema: any.json, key: /key, retry: {attempts: 9, backoff: 100ms, cap: 1s}}
publishes: [dial.bell.rang]
consumes: [dial.bell.rang]
roles: [{name: dial.user, billable: false, grants: [dial.use]}]
";
const SCHEMA: &str = r#"{"collections": [{"name": "dial_heard", "fields": [{"name": "name", "type": "string"}]}]}"#;
/// Every third event fails twice.
const CODE: &str = r#"
$app.onEvent("dial.bell.rang", function hear(e) {
  if (e.payload.key % 3 === 0 && e.attempt < 3) throw new Error("once more");
  $app.dao().saveRecord("dial_heard", { name: e.payload.name });
});
$app.routerAdd("POST", "/api/dial/ring", (e) => {
  for (let key = 0; key < e.body.count; key += 1) {
    const options = e.body.delay ? { delay: e.body.delay } : {};
    $app.realtime().publish("dial.bell.rang", { name: `${e.body.name}-${key}`, key }, options);
  }
});
$app.routerAdd("GET", "/api/dial/heard", () =>
  $app.dao().findRecordsByFilter("dial_heard", {}, { limit: 1000 }).map((heard) => heard.name));
"#;
const HOUR_MS: i64 = 60 * 60 * 1_000;
const RUNG: usize = 12;
/// Far below an hour: whoever waited for the clock to come back would be too late.
const PATIENCE: Duration = Duration::from_mins(1);

fn dial(home: &Path) -> Option<(Daemon, std::fs::File)> {
    held(home, Suite::new().plugin("dial", MANIFEST, CODE).file("dial/schema.json", SCHEMA), &[], 0)
}

/// A daemon whose clock this test holds; none where no C compiler is, with a word.
fn held(home: &Path, suite: Suite, args: &[&str], ahead_ms: i64) -> Option<(Daemon, std::fs::File)> {
    let (source, library, clock) = (home.join("clock.c"), home.join("clock.so"), home.join("clock"));
    std::fs::write(&source, include_str!("clock.c")).expect("written");
    let built = Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(&source).output();
    match built {
        Ok(done) => assert!(done.status.success(), "the clock: {}", String::from_utf8_lossy(&done.stderr)),
        Err(error) => {
            say(&format!("skipped: no C compiler: {error}"));
            return None;
        }
    }
    std::fs::write(&clock, ahead_ms.to_ne_bytes()).expect("written");
    let start = Start::suite(suite).env("LD_PRELOAD", &library).env("TRUNKLINE_CLOCK", &clock);
    let daemon = args.iter().fold(start, |start, arg| start.arg(arg)).run();
    Some((daemon, std::fs::OpenOptions::new().write(true).open(&clock).expect("the clock")))
}

fn now_ms() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    i64::try_from(now.as_millis()).expect("a time")
}

/// How far a clock must be ahead to be at ten past an hour, where no hour ends by itself.
fn ten_past() -> i64 {
    HOUR_MS / 6 - now_ms() % HOUR_MS + HOUR_MS
}

fn heard(client: &Client) -> Vec<String> {
    let names = client.get("/api/dial/heard").expect_status(200).data().as_array().cloned().unwrap_or_default();
    names.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect()
}

fn heard_of(client: &Client, name: &str) -> usize {
    heard(client).iter().filter(|one| one.starts_with(&format!("{name}-"))).count()
}

fn ring(client: &Client, name: &str, count: usize, delay: Option<&str>) {
    client.post("/api/dial/ring", &json!({"name": name, "count": count, "delay": delay})).expect_status(200);
}

#[test]
fn a_clock_that_jumps_loses_doubles_and_holds_up_nothing() {
    let home = tempfile::tempdir().expect("a folder");
    let Some((mut daemon, clock)) = dial(home.path()) else { return };
    let put = |hours: i64| clock.write_all_at(&(hours * HOUR_MS).to_ne_bytes(), 0).expect("the clock is put");
    let client = daemon.client();
    ring(&client, "noon", 1, Some("12h"));
    // In the midst of retries: some of these wait for their next try while the clock jumps.
    for (name, hours) in [("forth", 6), ("back", 0), ("before", -24), ("again", 3)] {
        ring(&client, name, RUNG, None);
        put(hours);
        ring(&client, name, RUNG, None);
        wait_until(PATIENCE, || (heard_of(&client, name) == 2 * RUNG).then_some(()));
        assert_eq!(heard_of(&client, "noon"), 0, "{name}: it is not that late yet");
    }
    put(-24);
    daemon.restart().expect("it starts by another clock");
    let client = daemon.client();
    ring(&client, "restarted", RUNG, None);
    wait_until(PATIENCE, || (heard_of(&client, "restarted") == RUNG).then_some(()));
    assert_eq!(heard_of(&client, "noon"), 0, "it is not that late yet");
    put(13);
    wait_until(PATIENCE, || (heard_of(&client, "noon") == 1).then_some(()));

    let (mut names, all) = (heard(&client), 1 + 4 * 2 * RUNG + RUNG);
    assert_eq!(names.len(), all, "{names:?}");
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 1 + 4 * RUNG + RUNG, "each name of a round is rung twice, and no more");
    assert_eq!(daemon.command(&["dead", "list"]).out, "no dead letters\n");
    let report = daemon.admin().post("/api/_admin/store/verify", &json!({})).expect_status(200).body;
    assert_eq!(report["ok"], json!(true), "{report}");
}

const TOWER: &str = "
schema: schema.json
permissions: [records:own, jobs]
roles: [{name: tower.user, billable: false, grants: [tower.use]}]
";
const TOLLS: &str = r#"{"collections": [{"name": "tower_tolls", "fields": [
  {"name": "bell", "type": "string"}, {"name": "hour", "type": "integer"}]}]}"#;
const TOWER_CODE: &str = r#"
const toll = (bell) => (job) => $app.dao().saveRecord("tower_tolls", { bell, hour: Date.parse(job.scheduledAt) / 3_600_000 });
$jobs.cron("none", "0 * * * *", { catchUp: "none" }, toll("none"));
$jobs.cron("one", "0 * * * *", toll("one"));
$jobs.cron("all", "0 * * * *", { catchUp: "all" }, toll("all"));
$app.routerAdd("GET", "/api/tower/tolls", () =>
  $app.dao().findRecordsByFilter("tower_tolls", {}, { sort: "bell,hour" }).map((toll) => [toll.bell, toll.hour]));
"#;

/// Of the hours in which it did not run, each schedule makes up for those that its policy says, once, and goes on by the
/// clock.
#[test]
fn a_schedule_makes_up_for_the_time_in_which_the_daemon_was_away_as_it_says() {
    let home = tempfile::tempdir().expect("a folder");
    let ten_past = ten_past();
    let hour = (now_ms() + ten_past) / HOUR_MS;
    let suite = Suite::new().plugin("tower", TOWER, TOWER_CODE).file("tower/schema.json", TOLLS);
    let Some((mut daemon, clock)) = held(home.path(), suite, &[], ten_past) else { return };
    let put =
        |hours: i64| clock.write_all_at(&(ten_past + hours * HOUR_MS).to_ne_bytes(), 0).expect("the clock is put");
    let tolls = |daemon: &Daemon| daemon.client().get("/api/tower/tolls").expect_status(200).data().clone();
    let expected = |none: &[i64], one: &[i64], all: &[i64]| {
        let of =
            |bell: &'static str, hours: &[i64]| hours.iter().map(|at| json!([bell, hour + at])).collect::<Vec<_>>();
        json!([of("all", all), of("none", none), of("one", one)].concat())
    };
    assert_eq!(tolls(&daemon), json!([]));
    daemon.kill();
    put(4);
    daemon.restart().expect("it starts hours later");
    let made_up = expected(&[], &[1], &[1, 2, 3, 4]);
    wait_until(PATIENCE, || (tolls(&daemon).as_array().map(Vec::len) == Some(5)).then_some(()));
    assert_eq!(tolls(&daemon), made_up);
    put(5);
    wait_until(PATIENCE, || (tolls(&daemon).as_array().map(Vec::len) == Some(8)).then_some(()));
    assert_eq!(tolls(&daemon), expected(&[5], &[1, 5], &[1, 2, 3, 4, 5]));
    // Nothing is made up for twice.
    daemon.restart().expect("it starts again");
    put(6);
    wait_until(PATIENCE, || (tolls(&daemon).as_array().map(Vec::len) == Some(11)).then_some(()));
    assert_eq!(tolls(&daemon), expected(&[5, 6], &[1, 5, 6], &[1, 2, 3, 4, 5, 6]));
}
