//! A store of format 1 with many thousands of events: its upgrade goes in slices, and goes on where it was ended.

use super::super::damage::Dice;
use super::copied;
use super::older::{EVENTS, RECORDS, entries, large, large_options, look, write_as_format_1};
use crate::disk::Disk;
use crate::eventlog::log_key;
use crate::folder::read_format;
use crate::key::Keyspace;
use crate::upgrade::from_1::{Place, SLICE_BYTES};
use crate::vault::Vault;
use crate::{Store, StoreError, back_up, upgrade, verify_folder};
use contract_model::Sequence;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// Tells the test that is started as a process of its own which folder is meant.
const FOLDER: &str = "TRUNKLINE_UPGRADE_FOLDER";
/// What it may hold of the store in memory: a slice as it was read, as it is written, and the pages that it lies in.
const MEMORY_BYTES_MAX: u64 = 6 * SLICE_BYTES as u64;
/// Starts until nothing is left to upgrade.
const STARTS_MAX: u32 = 200;
const KILLED_MIN: usize = 2;
/// Where the events begin to have links.
const BEGAN_WITH: u64 = EVENTS / 2;

#[expect(
    clippy::print_stdout,
    reason = "a test shows how much real work it did, and its process tells it how far it is"
)]
fn say(what: &str) {
    println!("{what}");
}

fn older() -> TempDir {
    let folder = copied(large());
    write_as_format_1(folder.path(), BEGAN_WITH);
    folder
}

/// Everything that was there is there, as this version writes it.
fn check(folder: &Path) {
    let report = verify_folder(folder, None).expect("verify");
    assert_eq!((report.findings, report.events, report.records), (Vec::new(), EVENTS, RECORDS));
    let kept = |folder: &Path| {
        let mut entries = entries(folder);
        // Only the upgrade says from where on replies are noted.
        entries.retain(|(keyspace, key, _)| *keyspace != Keyspace::Meta || !key.starts_with(b"kreplies"));
        entries
    };
    assert!(kept(folder) == kept(large()), "something is not as it was");
}

/// A process of its own, which is told of a folder and opens the store in it. After each slice it waits for a line, or
/// for the end of what it is told.
fn started(folder: &Path, told: Stdio) -> Child {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", "tests::upgrade::large::opening_process", "--nocapture", "--test-threads=1"]);
    let command = command.env(FOLDER, folder).stdin(told).stdout(Stdio::piped()).stderr(Stdio::inherit());
    command.spawn().expect("starts")
}

/// Not a test of its own: opens the store that its parent names, and says what memory that took.
#[test]
fn opening_process() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let folder = Path::new(&folder);
    let store = read_format(folder).expect("format").expect("a note");
    let from = store.outdated().expect("it is of an older format");
    let disk = Disk::open(folder, large_options().map_bytes, Vault::default()).expect("disk");
    let before = anonymous_bytes();
    let (mut most, mut slices) = (0, 0);
    upgrade::run(folder, &disk, &store.store, from, &mut |point| {
        most = anonymous_bytes().max(most);
        if point == "a slice is made" {
            slices += 1;
            say(point);
            std::io::stdin().read_line(&mut String::new()).expect("is told to go on");
        }
    })
    .expect("upgraded");
    say(&format!("memory {} slices {slices}", most.saturating_sub(before)));
}

/// Memory that is this process's own, without what it has mapped of files.
fn anonymous_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("its state");
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("its memory");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
}

#[test]
fn the_upgrade_of_a_large_store_takes_no_more_memory_than_a_slice_and_little_room() {
    let folder = older();
    let bytes = || std::fs::metadata(folder.path().join("data.mdb")).expect("its file").len();
    let log_bytes: u64 = look(folder.path(), |map| map.after(Keyspace::Log, &[], usize::MAX))
        .iter()
        .map(|(_, value)| value.len() as u64)
        .sum();
    let before = bytes();
    let output = started(folder.path(), Stdio::null()).wait_with_output().expect("ends");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let figure = |name: &str| -> u64 {
        let after = said.split(name).nth(1).unwrap_or_else(|| panic!("{said}"));
        after.split_whitespace().next().and_then(|figure| figure.parse().ok()).unwrap_or_else(|| panic!("{said}"))
    };
    let (memory, slices, grown) = (figure("memory "), figure("slices "), bytes() - before);
    let of = format!("{EVENTS} events, {log_bytes} bytes");
    say(&format!("{of}: {slices} slices, {memory} bytes of memory, {before} bytes grew by {grown}"));
    assert!(log_bytes > 4 * SLICE_BYTES as u64, "{log_bytes}: too little for several slices");
    assert!(slices > log_bytes / SLICE_BYTES as u64, "{slices} slices");
    assert!(memory < MEMORY_BYTES_MAX, "{memory} bytes of memory");
    assert!(grown < log_bytes, "{log_bytes} bytes of events, and the file grew by {grown}");
    check(folder.path());
}

#[test]
fn an_upgrade_that_is_killed_again_and_again_goes_on_where_it_was() {
    let folder = older();
    let mut dice = Dice(std::process::id().into());
    let (mut places, mut last, mut starts) = (Vec::new(), None, 0);
    while read_format(folder.path()).expect("format").expect("a note").outdated().is_some() {
        starts += 1;
        assert!(starts < STARTS_MAX, "{places:?}: it does not come to its end");
        // Until it was killed often enough, each start makes two slices at most: then it waits for a word, and the end.
        let is_held = places.len() < KILLED_MIN;
        let mut child = started(folder.path(), if is_held { Stdio::piped() } else { Stdio::null() });
        let mut go_on = child.stdin.take();
        let told = BufReader::new(child.stdout.take().expect("piped")).lines().map_while(Result::ok);
        let mut slices = told.filter(|line| line.ends_with("a slice is made"));
        if dice.below(2) == 1
            && slices.next().is_some()
            && let Some(told) = &mut go_on
        {
            writeln!(told).expect("it waits for the word");
        }
        std::thread::sleep(Duration::from_millis(dice.below(60)));
        child.kill().expect("is killed, or has ended");
        child.wait().expect("ends");
        // None before the first slice, and after the last one until the format is noted: then the step begins again, and
        // finds every event as it would write it.
        let place = look(folder.path(), |map| Place::read(map)).map(|place| place.through.0);
        assert!(place.is_none() || last <= place, "{place:?} comes after {last:?} of {places:?}");
        places.extend(place);
        last = place;
    }
    say(&format!("{starts} starts; killed after the events {places:?}"));
    assert!(places.len() >= KILLED_MIN, "{places:?}: too few kills in the midst of it");
    check(folder.path());
    drop(Store::open(folder.path(), large_options()).expect("opened"));
}

/// What it cannot go on with is found before it has begun, however far behind it lies.
#[test]
fn a_large_store_that_cannot_be_upgraded_stays_as_it_was() {
    let folder = older();
    look(folder.path(), |map| {
        let key = log_key(Sequence(EVENTS - 1));
        let mut value = map.get(&key)?.expect("an event");
        let at = value.windows(9).position(|bytes| bytes == b"bill bill").expect("its payload");
        value[at] = b'p';
        map.put(&key, &value)
    });
    let before = entries(folder.path());
    for _ in 0..2 {
        let error = Store::open(folder.path(), large_options()).expect_err("broken").to_string();
        assert!(error.contains("event 19999 does not follow"), "{error}");
        let note = read_format(folder.path()).expect("format").expect("a note");
        assert_eq!((note.format, note.upgrading_from), (1, None));
    }
    assert!(entries(folder.path()) == before, "something was changed");
}

/// Half of it would be taken for damage, or for a store of the format that it was of.
#[test]
fn who_only_reads_refuses_a_store_that_is_being_upgraded() {
    let folder = older();
    let id = read_format(folder.path()).expect("format").expect("a note").store;
    let disk = Disk::open(folder.path(), large_options().map_bytes, Vault::default()).expect("disk");
    let mut half = None;
    upgrade::run(folder.path(), &disk, &id, 1, &mut |point| {
        if point == "a slice is made" && half.is_none() {
            half = Some(copied(folder.path()));
        }
    })
    .expect("upgraded");
    let half = half.expect("a slice was made");
    let refused = |result: Result<(), StoreError>| {
        let error = result.expect_err("refused").to_string();
        assert!(error.starts_with("an upgrade of the data folder") && error.contains("start the daemon"), "{error}");
    };
    let mut out = Vec::new();
    refused(back_up(half.path(), None, 0, Duration::from_mins(10), &mut out).map(drop));
    refused(verify_folder(half.path(), None).map(drop));
    drop(Store::open(half.path(), large_options()).expect("opened"));
    check(half.path());
}
