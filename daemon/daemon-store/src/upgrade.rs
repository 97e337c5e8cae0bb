//! Bringing a store of an older format to this one, one step a format.
//!
//! A step is made in slices, each one commit of the map with where it ended, so that neither memory nor the file grows
//! with what there is to change, and whoever is ended goes on where it was. Around a step stands the format file: before
//! the first commit it names the new format, so that an older program refuses the folder, and says that the step is
//! under way. What a step will change is looked at before it changes anything.

pub(crate) mod from_1;
mod from_2;
mod from_3;

use crate::anchor;
use crate::disk::Disk;
use crate::disk::rewrite::Rewrite;
use crate::error::StoreError;
use crate::folder::{self, FormatNote, STORE_FORMAT};
use crate::head::{Head, head_key, read_head};
use crate::key::Keyspace;
use crate::reading::{read_in_map, read_stored};
use crate::seal::damaged;
use crate::wal;
use std::path::Path;
use std::time::Instant;

/// From one format to the next one.
struct Step {
    from: u32,
    /// What it does, for the log.
    does: &'static str,
    /// Refuses what it cannot bring further. Of a step that was begun all was looked at then.
    check: fn(&Rewrite<'_>) -> Result<(), StoreError>,
    /// Makes the next slice of it, and notes where that ended.
    slice: fn(&mut Rewrite<'_>) -> Result<Slice, StoreError>,
}

/// What comes after a slice.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Slice {
    /// Another one.
    More,
    /// The step is made, and nothing is left of where it was.
    Last,
}

/// In their order, one for each format before this one.
const STEPS: [Step; STORE_FORMAT as usize - 1] = [from_1::STEP, from_2::STEP, from_3::STEP];

/// Runs the steps that a store still needs. Whoever is told what was `passed` may find the process ending there.
pub(crate) fn run(
    folder: &Path,
    disk: &Disk,
    store: &str,
    from: u32,
    passed: &mut dyn FnMut(&'static str),
) -> Result<(), StoreError> {
    move_log(folder, disk, store)?;
    passed("the log is in the map");
    for step in STEPS.iter().filter(|step| step.from >= from) {
        let (format, began) = (step.from + 1, Instant::now());
        tracing::info!(from = step.from, to = format, does = step.does, "the store is being upgraded");
        let note = |upgrading_from| FormatNote { format, upgrading_from, ..FormatNote::newest(store, &disk.vault) };
        disk.rewrite(|map| (step.check)(map))?;
        let mut slices = 0_u64;
        loop {
            let slice = disk.rewrite(|map| {
                let slice = (step.slice)(map)?;
                if slices == 0 {
                    // Only now: a store that cannot be upgraded stays as it was.
                    folder::write_format(folder, &note(Some(step.from)))?;
                    passed("the step is noted");
                    // It may name what the step rewrites; what it is for was looked at before.
                    anchor::remove(folder)?;
                    passed("the anchor is gone");
                }
                passed("a slice is to be written");
                Ok(slice)
            })?;
            slices += 1;
            passed("a slice is made");
            if slice == Slice::Last {
                break;
            }
        }
        folder::write_format(folder, &note(None))?;
        passed("the step is made");
        let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(from = step.from, to = format, slices, took_ms, "the store is upgraded");
    }
    Ok(())
}

/// Where the map ends; nowhere if nothing was ever written to it.
fn head(map: &Rewrite<'_>) -> Result<Option<Head>, StoreError> {
    let key = head_key();
    let stored = map.get(&key)?;
    stored.map(|stored| read_head(&stored).ok_or_else(|| damaged(Keyspace::Meta, &key[1..]))).transpose()
}

/// Holds the store to its anchor, and moves what its log says into the map: steps look at the map alone.
pub(crate) fn move_log(folder: &Path, disk: &Disk, store: &str) -> Result<(), StoreError> {
    let in_map = read_in_map(disk, &disk.read()?)?;
    let log = wal::read(folder, store, &disk.vault, in_map.head.position)?;
    read_stored(folder, disk, &log)?;
    for part in [&log.moving, &log.recent] {
        disk.write(part)?;
    }
    wal::remove(folder).map_err(|e| StoreError::io("remove its log, which is in its map", e))
}
