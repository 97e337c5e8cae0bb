//! Damage that comes while the daemon serves, and damage that no checksum can see.

use super::{Filled, vault};
use rustix::fs::{CWD, Mode, OFlags, mkfifoat, open};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use std::fs::OpenOptions;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use tests::{Daemon, Start, binary, process, wait_until};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// Before each value: a byte of format, eight of checksum.
const SEAL_BYTES: usize = 9;
/// What the keyspace of records adds to the checksum's seed.
const RECORDS_SEED: u64 = 2;
const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn a_value_damaged_under_a_running_daemon_is_refused_and_nothing_else() {
    let filled = Filled::new();
    let mut daemon: Daemon = Start::suite(vault()).data(&filled.data).run();
    let (victim, other) = (&filled.records[3], &filled.records[4]);
    assert!(change(&filled.data, victim, false) > 0, "the record is in the file");
    let coin = |id: &str| daemon.client().get(&format!("/api/vault/coins/{id}"));
    coin(victim).expect_error(500, "STORE_DAMAGED");
    coin(other).expect_status(200);
    daemon.client().get("/api/vault/all/3").expect_error(500, "STORE_DAMAGED");
    daemon.client().post("/api/vault/coins", &json!({})).expect_status(200);

    let ran = daemon.command(&["store", "verify"]);
    assert_eq!(ran.exit, Some(1), "{}", ran.err);
    let told = format!("record `{victim}` of `vault_coins` of tenant `demo` does not match its checksum");
    assert!(ran.out.contains(&told), "no {told:?} in {}", ran.out);
    assert!(daemon.stop().expect("it stops").success());
    let error = format!("{:#}", daemon.restart().expect_err("a daemon serves a damaged store"));
    assert!(error.contains("exit status: 2") && error.contains(&told), "{error}");
}

#[test]
fn a_walk_beside_a_busy_daemon_finds_nothing() {
    let filled = Filled::new();
    let daemon: Daemon = Start::suite(vault()).data(&filled.data).run();
    std::thread::scope(|scope| {
        let client = daemon.client();
        let busy = scope.spawn(move || {
            for _ in 0..150 {
                client.post("/api/vault/coins", &json!({})).expect_status(200);
            }
        });
        let mut walks = 0;
        while !busy.is_finished() || walks == 0 {
            let ran = daemon.command(&["store", "verify"]);
            assert_eq!(ran.exit, Some(0), "walk {walks}: {} {}", ran.out, ran.err);
            walks += 1;
        }
        busy.join().expect("all were laid");
    });
}

#[test]
fn a_file_cut_under_a_running_daemon_ends_it_with_an_exit_code() {
    let filled = Filled::new();
    let mut daemon: Daemon = Start::suite(vault()).data(&filled.data).run();
    let file = OpenOptions::new().write(true).open(filled.data.join("data.mdb")).expect("the store's file");
    file.set_len(2 * 4096).expect("cut");
    drop(filled.judge(&daemon.client()));
    let status = daemon.ended().expect("it ends");
    assert_eq!(status.code(), Some(2), "{status}: {}", daemon.log());
    for part in ["data.mdb", "damaged", "restore a backup"] {
        assert!(daemon.log().contains(part), "no {part:?} in {}", daemon.log());
    }
}

#[test]
fn a_store_too_large_to_be_looked_over_is_walked_while_it_is_served() {
    let filled = Filled::new();
    let file = OpenOptions::new().write(true).open(filled.data.join("data.mdb")).expect("the store's file");
    // Longer than what is looked over at the start; none of the added bytes is in use or takes room.
    file.set_len(300 * 1024 * 1024).expect("made longer");
    let mut daemon: Daemon = Start::suite(vault()).data(&filled.data).run();
    assert_eq!(filled.judge(&daemon.client()), Ok(0));
    assert!(daemon.stop().expect("it stops").success());

    assert!(change(&filled.data, &filled.records[3], false) > 0, "the record is in the file");
    // It may be found before or after the daemon is ready.
    if daemon.restart().is_ok() {
        let status = daemon.ended().expect("it ends");
        assert_eq!(status.code(), Some(2), "{status}: {}", daemon.log());
    }
    let told = format!("record `{}` of `vault_coins` of tenant `demo`", filled.records[3]);
    assert!(daemon.log().contains(&told), "no {told:?} in {}", daemon.log());
}

/// A daemon that is killed again and again would leave a walk each time, and they would take the machine from it.
#[test]
fn a_walk_ends_with_whoever_asked_for_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    // A walk begins with the format, and waits for it here as long as nobody writes it.
    let format = folder.path().join("store.format");
    mkfifoat(CWD, &format, Mode::RUSR | Mode::WUSR).expect("a pipe");
    let script = r#""$0" walk-store "$1" & echo $!; wait"#;
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).arg(binary::trunkline()).arg(folder.path()).stdout(Stdio::piped());
    let mut shell = shell.spawn().expect("a shell");
    let mut line = String::new();
    let mut reader = BufReader::new(shell.stdout.take().expect("its output"));
    reader.read_line(&mut line).expect("its line");
    let walk = line.trim().parse().expect("a process id");
    let _unwritten = wait_until(PATIENCE, || open(&format, OFlags::WRONLY | OFlags::NONBLOCK, Mode::empty()).ok());
    assert!(process::lives(walk), "the walk waits");
    shell.kill().expect("is killed");
    shell.wait().expect("has ended");
    wait_until(PATIENCE, || (!process::lives(walk)).then_some(()));
}

/// One whose parent is gone before it could ask to end with it would walk to its end, for nobody.
#[test]
fn a_walk_that_nobody_hears_does_not_begin() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut walk = Command::new(binary::trunkline());
    walk.arg("walk-store").arg(folder.path()).stdout(writer);
    let output = walk.stderr(Stdio::piped()).spawn().expect("it starts").wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("nobody reads the report of this walk"), "{said}");
    assert_eq!(output.status.code(), Some(1), "{said}");
}

/// Where reading raised the signal, the file is damaged; where somebody ended the walk, nothing is known of it. A daemon
/// that took the one for the other would end itself over a sound store, as soon as memory is short.
#[test]
fn a_walk_that_somebody_ends_tells_of_no_damage() {
    for (signal, told) in [
        (Signal::KILL, "ended by signal 9 before it was through"),
        (Signal::TERM, "ended by signal 15 before it was through"),
        (Signal::ABORT, "is damaged so badly that reading it ended the reader (signal 6)"),
    ] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let format = folder.path().join("store.format");
        mkfifoat(CWD, &format, Mode::RUSR | Mode::WUSR).expect("a pipe");
        let mut verify = Command::new(binary::trunkline());
        verify.args(["store", "verify", "--data"]).arg(folder.path()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let verify = verify.spawn().expect("it starts");
        let _unwritten = wait_until(PATIENCE, || open(&format, OFlags::WRONLY | OFlags::NONBLOCK, Mode::empty()).ok());
        let walks = process::children(verify.id(), "walk-store");
        let [walk] = walks[..] else { panic!("{walks:?}") };
        kill_process(Pid::from_raw(walk.cast_signed()).expect("a process"), signal).expect("is told");
        let output = verify.wait_with_output().expect("it ends");
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(said.contains(told), "{told}: {said}");
        assert_eq!(said.contains("damaged"), signal == Signal::ABORT, "{said}");
        assert_eq!(output.status.code(), Some(1), "{said}");
    }
}

/// The negative control: with checksums that fit, as if nobody looked at them, wrong content is served and the judge
/// says so.
#[test]
fn a_change_under_a_fitting_checksum_is_seen_by_the_judge_alone() {
    let filled = Filled::new();
    assert!(change(&filled.data, &filled.records[3], true) > 0, "the record is in the file");
    let daemon: Daemon = Start::suite(vault()).data(&filled.data).run();
    let judged = filled.judge(&daemon.client());
    assert!(judged.is_err_and(|wrong| wrong.contains("boin 3")), "the judge does not see wrong content");
}

/// Changes a letter in every stored copy of a record; gives how many there were.
fn change(data: &Path, id: &str, resealed: bool) -> usize {
    let path = data.join("data.mdb");
    let bytes = std::fs::read(&path).expect("the store's file");
    let file = OpenOptions::new().write(true).open(&path).expect("the store's file");
    let number = |at: usize| usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
    let mut changed = 0;
    for at in (16..bytes.len() - id.len()).filter(|at| bytes[*at..].starts_with(id.as_bytes())) {
        // A record's key is tenant, collection, id; before the key stand the value's length, flags, the key's length.
        let key = at - 8..at + id.len();
        let value = key.end..key.end + number(key.start - 8);
        let Some(sealed) = bytes.get(value.clone()).filter(|sealed| sealed.len() > SEAL_BYTES) else { continue };
        if number(key.start - 2) != key.len() || sealed[1..SEAL_BYTES] != checksum(&bytes[key.clone()], sealed) {
            continue;
        }
        let mut wrong = sealed.to_vec();
        let letter = wrong.windows(4).position(|text| text == b"coin").expect("the record's text");
        wrong[letter] = b'b';
        if resealed {
            let fitting = checksum(&bytes[key], &wrong);
            wrong[1..SEAL_BYTES].copy_from_slice(&fitting);
        }
        file.write_all_at(&wrong, value.start as u64).expect("the file is writable");
        changed += 1;
    }
    changed
}

fn checksum(key: &[u8], sealed: &[u8]) -> [u8; 8] {
    (xxh3_64(&sealed[SEAL_BYTES..]) ^ xxh3_64_with_seed(key, RECORDS_SEED).rotate_left(17)).to_le_bytes()
}
