//! Damage to the file: whatever bit is flipped, it is reported, or what is stored is provably as it was.

use super::*;
use crate::disk::Disk;
use crate::eventlog::log_key;
use crate::inspect::inspect;
use crate::overlay::Overlay;
use crate::seal::{seal, unseal};
use crate::vault::Vault;
use crate::{StoreError, VerifyReport, key::Keyspace, verify_folder};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Random flips over the whole file, if `TRUNKLINE_FLIPS` says nothing; those of the meta pages are tried one by one.
const FLIPS: u64 = 300;
const PAGE: usize = 4096;
const META_BITS: u64 = (16 + 136) * 8;

/// A small generator, so that a run can be repeated by its seed alone.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

/// Fills a store with what leaves every kind of page: records small and large, changed and deleted, and events.
pub(super) fn churned(bench: &Bench, units: u64) {
    let mut dice = Dice(11);
    let mut revisions = BTreeMap::<String, u64>::new();
    for n in 0..units {
        let id = format!("bill-{}", dice.below(40));
        let revision = revisions.get(&id).copied().unwrap_or(0);
        let length = if dice.below(12) == 0 { 9_000 } else { 150 };
        let write = if revision > 0 && dice.below(3) == 0 {
            revisions.remove(&id);
            delete(&id, revision)
        } else {
            revisions.insert(id.clone(), revision + 1);
            let text = format!("{n} ").repeat(usize::try_from(dice.below(length)).expect("a length"));
            put(&id, revision, &json!({ "number": id, "status": text, "total": n }))
        };
        let events = vec![event(&format!("e{n}"), ["ap.bill.approved", "ap.bill.voided"][(n % 2) as usize])];
        bench.settle(Unit { events, ..bench.writing(write) });
        if n % 3 == 0 {
            // Commits of their own, which leave pages of each other free.
            bench.store.settle_into_map().expect("moved");
        }
    }
}

pub(super) fn closed(bench: Bench) -> TempDir {
    let Bench { dir, store, tenant } = bench;
    drop((store, tenant));
    dir
}

fn flip(folder: &Path, at: u64, bit: u64) {
    let mut options = std::fs::OpenOptions::new();
    let file = options.read(true).write(true).open(folder.join("data.mdb")).expect("data");
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).expect("a byte");
    file.write_all_at(&[byte[0] ^ 1 << bit], at).expect("written");
}

pub(super) fn flip_all(folder: &Path, places: &[usize]) {
    for at in places {
        flip(folder, *at as u64 + 2, 0);
    }
}

#[test]
fn in_what_was_written_nothing_is_found() {
    let bench = Bench::new();
    churned(&bench, 150);
    let running = bench.store.verify().expect("verify");
    assert_eq!((running.findings.as_slice(), running.lost_pages, running.events), (&[][..], 0, 150));
    let dir = closed(bench);
    let at_rest = verify_folder(dir.path(), None).expect("verify");
    assert_eq!(at_rest, running, "open or closed, the content is the same");
}

/// What became of damage.
#[derive(Debug, Default)]
struct Tally {
    reported: u64,
    /// Those of them that nothing but a checksum shows.
    by_checksum_only: u64,
    unchanged: u64,
}

impl Tally {
    /// Either the damage is reported, and the next start sees it, or the content is what it was.
    fn judge(&mut self, folder: &Path, sound: &VerifyReport, damage: &str) {
        let Ok(report) = verify_folder(folder, None) else {
            self.reported += 1;
            return;
        };
        if report.is_sound() {
            assert_eq!(report.content, sound.content, "{damage} changed what is stored");
            self.unchanged += 1;
            return;
        }
        let seen = inspect(folder, &Vault::default()).expect("inspected").damage;
        assert!(!seen.is_empty(), "{damage}: a start does not see {report:?}");
        let by_checksum = |finding: &String| finding.ends_with("does not match its checksum");
        self.by_checksum_only += u64::from(report.findings.iter().all(by_checksum));
        self.reported += 1;
    }

    fn say(&self) {
        writeln!(std::io::stderr(), "{self:?}").expect("stderr");
    }
}

/// A closed store, what a walk over it says, and the bytes of its file.
fn sound_store() -> (TempDir, VerifyReport, Vec<u8>) {
    let bench = Bench::new();
    churned(&bench, 60);
    let dir = closed(bench);
    let sound = verify_folder(dir.path(), None).expect("verify");
    assert!(sound.is_sound() && sound.content.len() == 64, "{sound:?}");
    let bytes = std::fs::read(dir.path().join("data.mdb")).expect("data");
    (dir, sound, bytes)
}

#[test]
fn a_walk_beside_a_writer_finds_nothing() {
    let bench = Bench::new();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| churned(&bench, 300));
        let mut walks = 0;
        while !writer.is_finished() || walks == 0 {
            let report = bench.store.verify().expect("verify");
            assert_eq!(report.findings, [""; 0], "walk {walks}");
            walks += 1;
        }
        writer.join().expect("written");
    });
}

/// Bits of the pages above the leaves, which have no checksum: of their heads, pointers and nodes, every ninth one.
fn branch_bits(bytes: &[u8]) -> Vec<(u64, u64)> {
    let number = |at: usize| usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
    let pages = (2..bytes.len() / PAGE).map(|page| page * PAGE).filter(|start| number(start + 10) == 1);
    let places = pages.flat_map(|start| {
        let (lower, upper) = (number(start + 12), number(start + 14));
        (start..start + lower).chain(start + upper..start + PAGE)
    });
    let bits = places.flat_map(|at| (0..8).map(move |bit| (at as u64, bit)));
    bits.step_by(9).collect()
}

#[test]
fn every_flipped_bit_is_reported_or_changes_nothing() {
    let (dir, sound, bytes) = sound_store();
    let mut dice = Dice(5);
    let metas = (0..2 * META_BITS).map(|n| (n / META_BITS * PAGE as u64 + n % META_BITS / 8, n % 8));
    let flips = std::env::var("TRUNKLINE_FLIPS").map_or(FLIPS, |flips| flips.parse().expect("a number of flips"));
    let anywhere = (0..flips).map(|_| (dice.below(bytes.len() as u64), dice.below(8)));
    let mut tally = Tally::default();
    for (at, bit) in metas.chain(branch_bits(&bytes)).chain(anywhere) {
        flip(dir.path(), at, bit);
        tally.judge(dir.path(), &sound, &format!("bit {bit} of byte {at}"));
        flip(dir.path(), at, bit);
    }
    tally.say();
    // The negative control: without checksums some would have been served.
    let enough = tally.reported > 700 && tally.by_checksum_only > 20 && tally.unchanged > 100;
    assert!(enough, "too little was tried");
    assert_eq!(verify_folder(dir.path(), None).expect("verify"), sound, "all flips were taken back");
}

#[test]
fn every_lost_or_misplaced_page_is_reported_or_changes_nothing() {
    let (dir, sound, bytes) = sound_store();
    let path = dir.path().join("data.mdb");
    let mut tally = Tally::default();
    let pages = bytes.len() / PAGE;
    for page in 2..pages {
        let place = page * PAGE..(page + 1) * PAGE;
        let other = 2 + (page * 7) % (pages - 2);
        let other_place = other * PAGE..(other + 1) * PAGE;
        let mut zeroed = bytes.clone();
        zeroed[place.clone()].fill(0);
        let mut swapped = bytes.clone();
        swapped[place.clone()].copy_from_slice(&bytes[other_place.clone()]);
        // As of a page that was written to the wrong place under the right number.
        let mut doubled = swapped.clone();
        swapped[other_place].copy_from_slice(&bytes[place.clone()]);
        doubled[place.start..place.start + 8].copy_from_slice(&(page as u64).to_le_bytes());
        for (what, damaged) in [("zeroed", zeroed), ("swapped", swapped), ("doubled", doubled)] {
            std::fs::write(&path, damaged).expect("written");
            tally.judge(dir.path(), &sound, &format!("page {page}, {what} by {other},"));
        }
    }
    tally.say();
    assert!(tally.reported > 100 && tally.unchanged > 20, "too little was tried");
}

#[test]
fn damage_is_told_by_its_place() {
    let bench = Bench::new();
    churned(&bench, 20);
    let event = event("needle", "ap.bill.approved");
    bench.settle(Unit { events: vec![event], ..bench.writing(put("victim", 0, &json!({"status": "haystack"}))) });
    let dir = closed(bench);
    let bytes = std::fs::read(dir.path().join("data.mdb")).expect("data");
    for (needle, told) in [
        (&b"haystack"[..], "record `victim` of `ap_bills` of tenant `demo` does not match its checksum"),
        (&b"\x92\x66needle"[..], "event 21 does not match its checksum"),
    ] {
        let places: Vec<usize> =
            (0..bytes.len() - needle.len()).filter(|at| bytes[*at..].starts_with(needle)).collect();
        flip_all(dir.path(), &places);
        let found = inspect(dir.path(), &Vault::default()).expect("inspected").damage;
        assert!(found.iter().any(|found| found == told), "{told}: {found:?}");
        flip_all(dir.path(), &places);
    }
}

#[test]
fn an_earlier_state_of_the_file_is_refused_until_the_anchor_is_removed() {
    let bench = Bench::new();
    churned(&bench, 5);
    let bench = bench.reopened();
    let (data, older) = (bench.dir.path().join("data.mdb"), bench.dir.path().join("older"));
    std::fs::copy(&data, &older).expect("copied");
    bench.settle(bench.publishing(event("later", "ap.bill.approved")));
    let dir = closed(bench);
    std::fs::copy(&older, &data).expect("put back");
    let error = Store::open(dir.path(), options()).expect_err("older");
    assert!(matches!(error, StoreError::Older { .. }), "{error}");
    assert!(matches!(verify_folder(dir.path(), None), Err(StoreError::Older { .. })));
    std::fs::remove_file(dir.path().join("store.anchor")).expect("removed");
    assert_eq!(open(&dir).stats().expect("stats").events, 5);
}

#[test]
fn a_store_that_was_killed_is_further_than_its_anchor_or_as_far() {
    let bench = Bench::new();
    let anchor = std::fs::read(bench.dir.path().join("store.anchor")).expect("anchor");
    churned(&bench, 5);
    let killed = TempDir::new().expect("folder");
    for name in ["data.mdb", "store.format", "store.log.0", "store.log.1"] {
        std::fs::copy(bench.dir.path().join(name), killed.path().join(name)).expect("copied");
    }
    // As after a power cut: the newest notes did not reach the disk.
    std::fs::write(killed.path().join("store.anchor"), anchor).expect("written");
    assert_eq!(open(&killed).stats().expect("stats").events, 5);
}

#[test]
fn an_event_that_was_replaced_under_a_checksum_of_its_own_breaks_the_chain() {
    let bench = Bench::new();
    churned(&bench, 6);
    let dir = closed(bench);
    let disk = Disk::open(dir.path(), MAP_BYTES, Vault::default()).expect("disk");
    let (from, to) = (log_key(Sequence(2)), log_key(Sequence(4)));
    let txn = disk.read().expect("read");
    let stored = disk.get(&txn, Keyspace::Log, &from[1..]).expect("get").expect("an event");
    let value = unseal(Keyspace::Log, &from[1..], stored).expect("sound").to_vec();
    drop(txn);
    disk.write(&Overlay::unit(to.clone(), Some(seal(&to, &value)))).expect("written");
    drop(disk);
    let VerifyReport { findings, .. } = verify_folder(dir.path(), None).expect("verify");
    assert_eq!(findings[0], "event 4 does not follow from the one before it of tenant `demo`", "{findings:?}");
}

/// What a kill leaves: the last units in the log, the others in the map.
fn killed() -> (TempDir, Option<VerifyReport>) {
    let bench = Bench::new();
    churned(&bench, 30);
    bench.store.settle_into_map().expect("moved");
    for n in 0..12 {
        bench.settle(bench.publishing(event(&format!("late{n}"), "ap.bill.approved")));
    }
    let killed = TempDir::new().expect("folder");
    for name in ["data.mdb", "store.format", "store.anchor", "store.log.0", "store.log.1"] {
        std::fs::copy(bench.dir.path().join(name), killed.path().join(name)).expect("copied");
    }
    let report = verify_folder(killed.path(), None).expect("verify");
    (killed, Some(report).filter(VerifyReport::is_sound))
}

#[test]
fn every_flipped_bit_of_the_log_is_reported_or_changes_nothing() {
    let (killed, sound) = killed();
    let sound = sound.expect("sound");
    assert_eq!(sound.events, 42, "what is in the log counts");
    let mut dice = Dice(9);
    let (mut reported, mut unchanged) = (0, 0);
    for name in ["store.log.0", "store.log.1"] {
        let path = killed.path().join(name);
        let bytes = std::fs::read(&path).expect("the log");
        let written: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] != 0).collect();
        for _ in 0..100 {
            let at = written[usize::try_from(dice.below(written.len() as u64)).expect("a place")];
            let bit = dice.below(8);
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            std::fs::write(&path, flipped).expect("written");
            match verify_folder(killed.path(), None) {
                Ok(report) => {
                    assert_eq!(report, sound, "bit {bit} of byte {at} of {name}");
                    unchanged += 1;
                }
                Err(StoreError::Damaged { .. } | StoreError::Older { .. }) => reported += 1,
                Err(error) => panic!("bit {bit} of byte {at} of {name}: {error}"),
            }
        }
        std::fs::write(&path, &bytes).expect("written back");
    }
    writeln!(std::io::stderr(), "log: {reported} reported, {unchanged} unchanged").expect("stderr");
    assert!(reported > 60 && unchanged > 30, "too little was tried: {reported}, {unchanged}");
    assert_eq!(open(&killed).stats().expect("stats").events, 42);
}

#[test]
fn a_log_that_is_gone_is_noticed() {
    let (killed, _) = killed();
    for name in ["store.log.0", "store.log.1"] {
        std::fs::remove_file(killed.path().join(name)).expect("removed");
    }
    let error = Store::open(killed.path(), options()).expect_err("gone");
    assert!(matches!(error, StoreError::Older { .. }), "{error}");
}

/// As after a restore of the map alone: the log goes on where another map stood.
#[test]
fn a_log_that_does_not_follow_from_its_map_is_refused_by_name() {
    let bench = Bench::new();
    churned(&bench, 5);
    bench.store.settle_into_map().expect("moved");
    let older = std::fs::read(bench.dir.path().join("data.mdb")).expect("the map");
    // Through both files of the log, so that nothing leads on from the older map.
    for n in 0..3 {
        bench.settle(bench.publishing(event(&format!("later{n}"), "ap.bill.approved")));
        bench.store.settle_into_map().expect("moved");
    }
    bench.settle(bench.publishing(event("last", "ap.bill.approved")));
    let killed = TempDir::new().expect("folder");
    for name in ["store.format", "store.anchor", "store.log.0", "store.log.1"] {
        std::fs::copy(bench.dir.path().join(name), killed.path().join(name)).expect("copied");
    }
    std::fs::write(killed.path().join("data.mdb"), older).expect("written");
    let error = Store::open(killed.path(), options()).expect_err("does not follow");
    assert!(error.to_string().contains("but nothing leads there from unit"), "{error}");
    assert_eq!(error.code(), contract_model::ErrorCode::StoreDamaged);
}
