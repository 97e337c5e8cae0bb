//! Power cuts: of what was not synced, each sector may or may not have reached the disk, in any order.

use super::frame::BLOCK_BYTES;
use super::recover::{Lost, Recovered, recover};
use super::{Medium, Wal};
use crate::key::Key;
use crate::overlay::Overlay;
use crate::seal::Sealed;
use crate::vault::{StoreKey, Vault};
use std::cell::RefCell;
use std::io::Write as _;
use std::rc::Rc;

const STORE: &str = "store";
const SECTOR_BYTES: usize = 512;
/// Cut images tried, if `TRUNKLINE_POWER_CUTS` says nothing.
const CUTS: u64 = 900;

/// Worlds that failed once: they are made for ever.
const WORLDS_KEPT: [u64; 1] = [26_232];
/// Of so many worlds one has a key.
const ENCRYPTED_SHARE: u64 = 4;

/// A small generator, so that a run can be repeated by its seed alone.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

/// A file in which every write since the last sync is still known.
#[derive(Debug, Default, Clone)]
struct Disk {
    synced: Vec<u8>,
    unsynced: Vec<(usize, Vec<u8>)>,
    /// How many syncs from now on one fails, with everything still unsynced.
    fails_in: Option<u32>,
    /// The negative control: says that it synced, and does not.
    lies: bool,
}

#[derive(Debug, Default, Clone)]
struct Shared(Rc<RefCell<Disk>>);

impl Medium for Shared {
    fn write(&mut self, bytes: &[u8], at: u64) -> std::io::Result<()> {
        let at = usize::try_from(at).expect("a place");
        self.0.borrow_mut().unsynced.push((at, bytes.to_vec()));
        Ok(())
    }

    fn sync(&mut self) -> std::io::Result<()> {
        let mut disk = self.0.borrow_mut();
        match disk.fails_in {
            Some(0) => {
                disk.fails_in = None;
                return Err(std::io::Error::other("planned"));
            }
            Some(left) => disk.fails_in = Some(left - 1),
            None => {}
        }
        if !disk.lies {
            let writes = std::mem::take(&mut disk.unsynced);
            for (at, bytes) in writes {
                put(&mut disk.synced, at, &bytes);
            }
        }
        Ok(())
    }

    fn length(&self) -> std::io::Result<u64> {
        let disk = self.0.borrow();
        let ends = disk.unsynced.iter().map(|(at, bytes)| at + bytes.len());
        Ok(ends.chain([disk.synced.len()]).max().unwrap_or(0) as u64)
    }
}

fn put(file: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    if file.len() < at + bytes.len() {
        file.resize(at + bytes.len(), 0);
    }
    file[at..at + bytes.len()].copy_from_slice(bytes);
}

impl Disk {
    /// The file after a power cut: of each write that was not synced any sectors.
    fn cut(&self, dice: &mut Dice) -> Vec<u8> {
        let mut image = self.synced.clone();
        let kept = dice.below(4);
        for (at, bytes) in &self.unsynced {
            for (number, sector) in bytes.chunks(SECTOR_BYTES).enumerate() {
                // None, all, or a part of them.
                if kept > 0 && (kept == 1 || dice.below(3) > 0) {
                    put(&mut image, at + number * SECTOR_BYTES, sector);
                }
            }
        }
        image
    }
}

/// What stands where, at a position.
type Content = Overlay;

/// A log with a map under it, and what must be found after a cut.
struct World {
    dice: Dice,
    disks: [Shared; 2],
    wal: Wal<Shared>,
    /// The map's content and position.
    map: (u64, Content),
    /// What is being moved.
    moving: Option<(u64, Content)>,
    /// The last content that was acknowledged.
    acked: (u64, Content),
    /// What may be found or not: the frame whose sync failed.
    unknown: Option<(u64, Content)>,
    next: u64,
    key: Option<StoreKey>,
    tally: Tally,
}

#[derive(Debug, Default)]
struct Tally {
    frames: u64,
    failures: u64,
    moves: u64,
    cuts: u64,
    /// Those of them with a key.
    encrypted: u64,
    /// Cuts after which a frame was found that nobody had acknowledged.
    more_than_acked: u64,
    /// Cuts after which both files had something for the map.
    both_files: u64,
    lost: u64,
}

impl World {
    fn new(seed: u64) -> Self {
        let disks = [Shared::default(), Shared::default()];
        let key = seed.is_multiple_of(ENCRYPTED_SHARE).then(|| StoreKey::parse(&"a1".repeat(32)).expect("a key"));
        let wal = Wal::new(STORE, Vault::new(key.clone()), disks.clone(), &Recovered::default()).expect("a log");
        let dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let (map, acked) = Default::default();
        Self { dice, disks, wal, map, moving: None, acked, unknown: None, next: 0, key, tally: Tally::default() }
    }

    fn step(&mut self) {
        match self.dice.below(10) {
            0 if self.moving.is_none() && self.wal.switch().is_ok() => {
                self.moving = Some(self.acked.clone());
                self.unknown = None;
            }
            1 | 2 => self.finish_move(),
            3 => {
                let file = usize::try_from(self.dice.below(2)).expect("a file");
                self.disks[file].0.borrow_mut().fails_in = Some(0);
            }
            _ => self.append(),
        }
    }

    fn finish_move(&mut self) {
        if let Some(moved) = self.moving.take() {
            self.map = moved;
            self.tally.moves += 1;
        }
    }

    fn append(&mut self) {
        // An undone unit's position is not used again.
        self.next += 1 + self.dice.below(3);
        let position = self.next;
        let count = self.dice.below(5);
        let mut entries: Vec<(Key, Option<Sealed>)> = (0..count).map(|_| self.entry()).collect();
        entries.push((Key::from(&b"position"[..]), Some(Sealed::from(&position.to_le_bytes()[..]))));
        let mut content = self.acked.1.clone();
        content.extend(entries.iter().cloned());
        self.tally.frames += 1;
        if self.wal.mend().is_err() {
            self.tally.failures += 1;
            return;
        }
        // What was undone is erased.
        self.unknown = None;
        if self.wal.append(position, entries.iter().map(|(key, value)| (key, value))).is_ok() {
            self.acked = (position, content);
        } else {
            self.tally.failures += 1;
            self.unknown = Some((position, content));
        }
    }

    fn entry(&mut self) -> (Key, Option<Sealed>) {
        let key = Key::from(vec![u8::try_from(self.dice.below(20)).expect("small")]);
        let length = usize::try_from(self.dice.below(4) * self.dice.below(3_000)).expect("small");
        let byte = u8::try_from(self.dice.below(256)).expect("a byte");
        (key, (self.dice.below(4) > 0).then(|| Sealed::from(vec![byte; length])))
    }

    /// Cuts the power, starts again on what is left, and holds it against what must be there.
    fn cut(&mut self) -> Result<(), String> {
        self.tally.cuts += 1;
        self.tally.encrypted += u64::from(self.key.is_some());
        let images = self.disks.each_ref().map(|disk| disk.0.borrow().cut(&mut self.dice));
        let [first, second] = &images;
        let found = recover(STORE, [first, second], self.map.0, self.key.as_ref()).map_err(|gap| format!("{gap:?}"))?;
        let mut content = self.map.1.clone();
        content.extend(found.moving.clone());
        let after_moving = content.clone();
        content.extend(found.recent.clone());
        let may_be = self.unknown.iter().chain([&self.acked]);
        let is_known = may_be.into_iter().any(|(position, known)| *position == found.position && *known == content);
        if !is_known {
            self.tally.lost += 1;
            return Err(format!("found {}, acknowledged {}", found.position, self.acked.0));
        }
        self.tally.more_than_acked += u64::from(found.position != self.acked.0);
        self.tally.both_files += u64::from(!found.moving.is_empty() && !found.recent.is_empty());
        let lies = self.disks[0].0.borrow().lies;
        self.disks = images.map(|synced| Shared(Rc::new(RefCell::new(Disk { synced, lies, ..Disk::default() }))));
        self.moving = (!found.moving.is_empty()).then(|| (position_in(&after_moving), after_moving));
        self.wal = Wal::new(STORE, Vault::new(self.key.clone()), self.disks.clone(), &found).expect("a log");
        self.acked = (found.position, content);
        self.unknown = None;
        Ok(())
    }
}

fn position_in(content: &Content) -> u64 {
    let bytes = content.get(&b"position"[..]).and_then(Option::as_deref).expect("it is in every frame");
    u64::from_le_bytes(bytes.try_into().expect("eight bytes"))
}

/// A world of some steps and cuts.
fn live(seed: u64, lies: bool) -> (Tally, Result<(), String>) {
    let mut world = World::new(seed);
    for disk in &world.disks {
        disk.0.borrow_mut().lies = lies;
    }
    let mut outcome = Ok(());
    for _ in 0..3 {
        for _ in 0..world.dice.below(30) {
            world.step();
        }
        outcome = outcome.and_then(|()| world.cut());
    }
    (world.tally, outcome)
}

#[test]
fn a_power_cut_loses_nothing_that_was_synced_and_brings_nothing_half() {
    let cuts = std::env::var("TRUNKLINE_POWER_CUTS").map_or(CUTS, |cuts| cuts.parse().expect("a number of cuts"));
    let mut sum = Tally::default();
    for seed in 1..=cuts / 3 {
        let (tally, outcome) = live(seed, false);
        assert_eq!(outcome, Ok(()), "seed {seed}");
        sum.frames += tally.frames;
        sum.failures += tally.failures;
        sum.moves += tally.moves;
        sum.cuts += tally.cuts;
        sum.encrypted += tally.encrypted;
        sum.more_than_acked += tally.more_than_acked;
        sum.both_files += tally.both_files;
    }
    writeln!(std::io::stderr(), "{sum:?}").expect("stderr");
    let enough = sum.frames > 10 * sum.cuts / 3 && sum.moves > sum.cuts / 3 && sum.both_files > sum.cuts / 20;
    assert!(sum.encrypted > sum.cuts / 6, "too little was tried with a key: {sum:?}");
    assert!(enough && sum.failures > sum.cuts / 10 && sum.more_than_acked > 0, "too little was tried: {sum:?}");
}

#[test]
fn worlds_that_have_failed_once_fail_no_more() {
    for seed in WORLDS_KEPT {
        assert_eq!(live(seed, false).1, Ok(()), "seed {seed}");
    }
}

/// A file that is begun is torn, and the one before it came to nothing. What lies in that one from before does not end
/// where the log ended, so nothing may be written behind it.
#[test]
fn the_log_goes_on_only_behind_what_it_follows() {
    let mut world = World::new(3);
    world.append();
    world.wal.switch().expect("the second file");
    world.append();
    world.map = world.acked.clone();
    for _ in 0..2 {
        world.wal.switch().expect("another file");
    }
    for disk in &world.disks {
        disk.0.borrow_mut().fails_in = Some(0);
    }
    world.append();
    for disk in &world.disks {
        let mut disk = disk.0.borrow_mut();
        disk.fails_in = None;
        for (at, bytes) in std::mem::take(&mut disk.unsynced) {
            // Of what was not synced only the first sector is lost.
            put(&mut disk.synced, at, &vec![0; SECTOR_BYTES.min(bytes.len())]);
        }
    }
    world.unknown = None;
    world.cut().expect("as it was");
    world.append();
    world.cut().expect("what was acknowledged since");
}

/// The negative control: on a disk that says it synced and did not, losses are seen.
#[test]
fn a_disk_that_lies_about_its_syncs_is_seen_losing() {
    let losses = (1..=100).filter(|seed| live(*seed, true).1.is_err()).count();
    assert!(losses > 50, "{losses} of 100");
}

#[test]
fn a_block_lost_between_what_was_synced_is_a_gap_and_not_an_end() {
    let mut world = World::new(7);
    (0..12).for_each(|_| world.append());
    let file = world.disks[0].0.borrow().synced.clone();
    let used = usize::try_from(world.wal.bytes()).expect("small");
    let intact = recover(STORE, [&file, &[]], 0, None).expect("intact");
    assert_eq!(intact.position, world.acked.0);
    let mut gaps = 0;
    for block in 0..used / BLOCK_BYTES {
        let mut damaged = file.clone();
        damaged[block * BLOCK_BYTES..(block + 1) * BLOCK_BYTES].fill(0);
        match recover(STORE, [&damaged, &[]], 0, None) {
            Err(Lost::Gap { reached, found }) => {
                assert!(reached < found && found == world.acked.0);
                gaps += 1;
            }
            Err(lost) => panic!("{lost:?}"),
            // Of the last frame nothing tells but the anchor; what fills up a block is not missed.
            Ok(found) => assert!(found.position == intact.position || found.position < world.acked.0),
        }
        let all_in_map = recover(STORE, [&damaged, &[]], world.acked.0, None).expect("nothing of it is needed");
        assert!(all_in_map.recent.is_empty());
    }
    assert!(gaps > 8, "{gaps}");
}

#[test]
fn a_log_of_another_store_says_nothing() {
    let mut world = World::new(3);
    (0..3).for_each(|_| world.append());
    let file = world.disks[0].0.borrow().synced.clone();
    assert_eq!(recover("other", [&file, &[]], 0, None).expect("nothing").position, 0);
}
