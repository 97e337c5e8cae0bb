//! The kill loop, once for the daemon and once for its workers.

use crate::driver::{AMOUNT, CLIENTS, ENTITY, Load, prepare};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tests::intents::{Fate, Intents};
use tests::oracle::{self, Posting};
use tests::report::say;
use tests::{Client, Daemon, Start, binary, process};

const KILLS: usize = 50;
const LIFE_MS: std::ops::Range<u64> = 5..300;
const RESTART_MAX: Duration = Duration::from_secs(2);
/// Each kill must be preceded by so many acknowledged postings on average, or the proof proves nothing.
const POSTINGS_A_KILL_MIN: usize = 2;

/// The loops measure how fast a daemon comes back, so they do not run beside each other.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

#[test]
fn nothing_acknowledged_is_lost_or_doubled_when_the_daemon_is_killed() {
    run("daemon", |daemon, load, random, kills| {
        let mut restarts = Vec::new();
        let mut seen = Vec::new();
        for _ in 0..kills {
            std::thread::sleep(Duration::from_millis(random.random_range(LIFE_MS)));
            load.aim(None);
            daemon.kill();
            restarts.push(daemon.restart().expect("the daemon comes back"));
            // What was stored stays stored, so each life only adds to the chain that was seen before.
            let client = daemon.client();
            let last = seen.last().map_or(0, |posting: &Posting| posting.chain_seq);
            seen.extend(oracle::stored_after(&client, ENTITY, last).expect("the ledger lists its journals"));
            load.aim(Some(client));
        }
        report_restarts(restarts);
    });
}

#[test]
fn nothing_acknowledged_is_lost_or_doubled_when_workers_are_killed() {
    run("worker", |daemon, _, random, kills| {
        let pid = daemon.pid();
        let mut killed = 0;
        let begun = Instant::now();
        while killed < kills {
            assert!(
                begun.elapsed() < Duration::from_secs(60 + kills as u64),
                "only {killed} workers were seen to kill"
            );
            std::thread::sleep(Duration::from_millis(random.random_range(LIFE_MS)));
            for worker in process::workers(pid, "gl") {
                process::kill(worker);
                killed += 1;
            }
        }
    });
}

/// Starts a daemon and its load, lets `nemesis` work, and judges what is left.
fn run(name: &str, nemesis: impl FnOnce(&mut Daemon, &Load<'_>, &mut StdRng, usize)) {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let kills = number("TRUNKLINE_KILLS").and_then(|kills| usize::try_from(kills).ok()).unwrap_or(KILLS);
    let seed = number("TRUNKLINE_SEED").unwrap_or_else(rand::random);
    // The folder stays when the test fails: with the seed it is what one needs to look into it.
    let folder = tempfile::Builder::new().prefix("crash-").tempdir().expect("a temporary folder").keep();
    say(&format!("{name} kills: {kills}, seed {seed}, evidence in {}", folder.display()));
    let intents = Intents::create(&folder.join("intents.log")).expect("an intent log");
    let mut daemon = Start::dev(&binary::ledger_example()).data(&folder.join("data")).run();
    prepare(&daemon.client());
    let load = Load::new(&intents);
    load.aim(Some(daemon.client()));
    std::thread::scope(|scope| {
        let stop = StopOnDrop(&load);
        for client in 0..CLIENTS {
            let load = &load;
            scope.spawn(move || load.post_without_end(client == 0));
        }
        nemesis(&mut daemon, &load, &mut StdRng::seed_from_u64(seed), kills);
        drop(stop);
    });
    judge(name, &daemon.client(), &load, &intents, kills);
    clear(&folder);
}

/// Ends the load even when the nemesis panics; otherwise the scope would wait for ever.
struct StopOnDrop<'a>(&'a Load<'a>);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.stop();
    }
}

fn judge(name: &str, client: &Client, load: &Load<'_>, intents: &Intents, kills: usize) {
    let before = intents.fates();
    let stored = oracle::stored_after(client, ENTITY, 0).expect("the ledger lists its journals");
    let mut found = oracle::violations(&stored, &before);
    let resent = load.resend_unknown(client);
    let fates = intents.fates();
    let stored = oracle::stored_after(client, ENTITY, 0).expect("the ledger lists its journals");
    found.extend(oracle::violations(&stored, &fates));
    found.extend(oracle::imbalances(client, ENTITY, stored.len(), AMOUNT).expect("the ledger reports"));
    let acknowledged = intents.keys(Fate::Acknowledged).len();
    say(&format!("{name} kills: {kills}, acknowledged {acknowledged}, stored {}, resent {resent}", stored.len()));
    assert!(found.is_empty(), "{} violations: {:#?}", found.len(), &found[..found.len().min(20)]);
    assert_eq!(stored.len(), acknowledged, "after resending, what is stored is what was acknowledged");
    assert!(acknowledged >= kills * POSTINGS_A_KILL_MIN, "too little work between the kills");
}

fn report_restarts(mut restarts: Vec<Duration>) {
    restarts.sort();
    let rank = |percent: usize| restarts[(restarts.len() * percent).div_ceil(100).max(1) - 1];
    say(&format!("restarts: median {:?}, p90 {:?}, p99 {:?}", rank(50), rank(90), rank(99)));
    // Of a few dozen restarts the 99th percentile is the one that met the busiest moment of the machine.
    let judged = if restarts.len() >= 1_000 { rank(99) } else { rank(90) };
    assert!(judged < RESTART_MAX, "the daemon takes too long to come back");
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|error| panic!("{variable}={text} is no number: {error}")))
}

fn clear(folder: &Path) {
    // What cannot be removed stays in the temporary folder, which is no failure.
    drop(std::fs::remove_dir_all(folder));
}
