//! Schedules of a store that is full: it starts all the same, and they go on when there is room.

use super::{HOUR_MS, PATIENCE, held, ten_past};
use serde_json::{Value, json};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use tests::{Daemon, Suite, wait_until};

const MANIFEST: &str = "
schema: schema.json
permissions: [records:own, jobs]
roles: [{name: tower.user, billable: false, grants: [tower.use]}]
";
const SCHEMA: &str = r#"{"collections": [{"name": "tower_stones", "fields": [{"name": "text", "type": "string"}]}]}"#;
const CODE: &str = r#"
$jobs.cron("toll", "0 * * * *", { catchUp: "none", attempts: 1 }, () => { throw new Error("cracked"); });
$app.routerAdd("POST", "/api/tower/stones", () => { $app.dao().saveRecord("tower_stones", { text: "x".repeat(900_000) }); });
$app.routerAdd("POST", "/api/tower/clear", () => {
  for (const { id } of $app.dao().findRecordsByFilter("tower_stones", {}, { limit: 10 })) $app.dao().deleteRecord("tower_stones", id);
  return $app.dao().countRecords("tower_stones", {});
});
"#;
const STONES_MAX: u64 = 80;

fn fill(daemon: &Daemon) {
    let client = daemon.client();
    // A refusal has what is in the log counted anew, so a little may still be brought before it is refused for good.
    wait_until(PATIENCE, || {
        let refused = (0..STONES_MAX).any(|_| client.post("/api/tower/stones", &json!({})).code() == "STORE_FULL");
        assert!(refused, "it never comes to its size");
        (daemon.metric("trunkline_store_log_bytes") == 0).then_some(())
    });
    client.post("/api/tower/stones", &json!({})).expect_error(507, "STORE_FULL");
}

fn clear(daemon: &Daemon) {
    wait_until(PATIENCE, || {
        (daemon.client().post("/api/tower/clear", &json!({})).expect_status(200).data() == 0).then_some(())
    });
}

/// The run that waits for its time, if one does.
fn waits(daemon: &Daemon) -> Option<Value> {
    let jobs = daemon.admin().get("/api/_admin/jobs").expect_status(200).body;
    jobs.as_array().expect("a list").iter().find(|job| job["state"] == "scheduled").map(|job| job["due"].clone())
}

fn has_failed(daemon: &Daemon, runs: u64) -> bool {
    daemon.metric("trunkline_events_dead_total{plugin=\"tower\"}") == runs
}

/// A tower at ten past an hour, whose store is full and where a run waits for the next hour.
fn full(home: &Path) -> Option<(Daemon, impl Fn(i64), Value)> {
    let suite = Suite::new().plugin("tower", MANIFEST, CODE).file("tower/schema.json", SCHEMA);
    let ten_past = ten_past();
    let (daemon, clock) = held(home, suite, &["--store-max", "64MiB"], ten_past)?;
    let put = move |hours: i64| {
        clock.write_all_at(&(ten_past + hours * HOUR_MS).to_ne_bytes(), 0).expect("the clock is put");
    };
    let run = waits(&daemon).expect("a run");
    fill(&daemon);
    Some((daemon, put, run))
}

fn follows(daemon: &Daemon, run: &Value) {
    let next = wait_until(PATIENCE, || waits(daemon).filter(|next| next != run));
    assert!(next.as_str() > run.as_str(), "{next} comes after {run}");
}

#[test]
fn a_schedule_whose_run_ends_while_the_store_is_full_goes_on_when_there_is_room() {
    let home = tempfile::tempdir().expect("a folder");
    let Some((daemon, put, run)) = full(home.path()) else { return };
    put(1);
    wait_until(PATIENCE, || has_failed(&daemon, 1).then_some(()));
    assert_eq!(waits(&daemon), None, "the next has no room");
    clear(&daemon);
    follows(&daemon, &run);
}

#[test]
fn a_full_store_starts_though_a_run_was_missed_and_the_next_comes_when_there_is_room() {
    let home = tempfile::tempdir().expect("a folder");
    let Some((mut daemon, put, run)) = full(home.path()) else { return };
    daemon.kill();
    put(3);
    daemon.restart().expect("it starts full");
    daemon.client().post("/api/tower/stones", &json!({})).expect_error(507, "STORE_FULL");
    clear(&daemon);
    follows(&daemon, &run);
    assert!(has_failed(&daemon, 0), "what was missed is not made up for");
}
