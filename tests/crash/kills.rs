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
/// One kill in so many is of a daemon whose store is encrypted.
const ENCRYPTED_SHARE: usize = 5;
const LIFE_MS: std::ops::Range<u64> = 5..300;
const RESTART_MAX: Duration = Duration::from_secs(2);
/// Each kill must be preceded by so many acknowledged postings on average, or the proof proves nothing.
const POSTINGS_A_KILL_MIN: usize = 2;

/// The loops measure how fast a daemon comes back, so they do not run beside each other.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

#[test]
fn nothing_acknowledged_is_lost_or_doubled_when_the_daemon_is_killed() {
    report_restarts(run("daemon", kill_daemons));
}

/// Gives how long each restart took.
fn kill_daemons(daemon: &mut Daemon, load: &Load<'_>, random: &mut StdRng, kills: usize) -> Vec<Duration> {
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
    restarts
}

/// A share of them, for what differs is only how values lie in the files.
#[test]
fn nothing_acknowledged_is_lost_or_doubled_when_the_daemon_of_an_encrypted_store_is_killed() {
    let key = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(key.path(), "a1".repeat(32)).expect("a key");
    let encrypted = |start: Start| start.arg("--key-file").arg(key.path().to_str().expect("a path"));
    report_restarts(run_on("encrypted", kills().div_ceil(ENCRYPTED_SHARE), encrypted, kill_daemons));
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

fn kills() -> usize {
    number("TRUNKLINE_KILLS").and_then(|kills| usize::try_from(kills).ok()).unwrap_or(KILLS)
}

fn run<T>(name: &str, nemesis: impl FnOnce(&mut Daemon, &Load<'_>, &mut StdRng, usize) -> T) -> T {
    run_on(name, kills(), |start| start, nemesis)
}

/// Starts a daemon and its load, lets `nemesis` work, and judges what is left. Gives what `nemesis` does.
fn run_on<T>(
    name: &str,
    kills: usize,
    with: impl FnOnce(Start) -> Start,
    nemesis: impl FnOnce(&mut Daemon, &Load<'_>, &mut StdRng, usize) -> T,
) -> T {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let seed = number("TRUNKLINE_SEED").unwrap_or_else(rand::random);
    // The folder stays when the test fails: with the seed it is what one needs to look into it.
    let folder = tempfile::Builder::new().prefix("crash-").tempdir().expect("a temporary folder").keep();
    say(&format!("{name} kills: {kills}, seed {seed}, evidence in {}", folder.display()));
    let intents = Intents::create(&folder.join("intents.log")).expect("an intent log");
    let mut daemon = with(Start::dev(&binary::ledger_example()).data(&folder.join("data"))).run();
    prepare(&daemon.client());
    let load = Load::new(&intents);
    load.aim(Some(daemon.client()));
    let done = std::thread::scope(|scope| {
        let stop = StopOnDrop(&load);
        for client in 0..CLIENTS {
            let load = &load;
            scope.spawn(move || load.post_without_end(client == 0));
        }
        let done = nemesis(&mut daemon, &load, &mut StdRng::seed_from_u64(seed), kills);
        drop(stop);
        done
    });
    judge(name, &daemon.client(), &load, &intents, kills);
    clear(&folder);
    done
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
