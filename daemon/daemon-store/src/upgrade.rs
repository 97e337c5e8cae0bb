//! Bringing a store of an older format to this one, one step a format.
//!
//! A step is one commit of the map. Around it stands the format file: before the commit it names the new format, so that
//! an older program refuses the folder, and says that the step is under way, so that this one begins it again. A step
//! that runs on what it has already changed changes nothing.

mod from_1;
mod from_2;
mod from_3;

use crate::anchor;
use crate::disk::Disk;
use crate::disk::rewrite::Rewrite;
use crate::error::StoreError;
use crate::folder::{self, FormatNote, STORE_FORMAT};
use crate::key::Keyspace;
use crate::opening::{read_in_map, read_stored};
use crate::seal::damaged;
use crate::state::{Head, head_key, read_head};
use crate::wal;
use std::path::Path;

/// From one format to the next one.
struct Step {
    from: u32,
    /// What it does, for the log.
    does: &'static str,
    run: fn(&mut Rewrite<'_>) -> Result<(), StoreError>,
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
        let format = step.from + 1;
        tracing::info!(from = step.from, to = format, does = step.does, "the store is upgraded");
        let note = |upgrading_from| FormatNote { format, upgrading_from, ..FormatNote::newest(store, &disk.vault) };
        disk.rewrite(|map| {
            (step.run)(map)?;
            // Only now, when nothing is left but the commit: a store that cannot be upgraded stays as it was.
            folder::write_format(folder, &note(Some(step.from)))?;
            passed("the step is noted");
            // It may name what the step rewrites; what it is for was looked at before.
            anchor::remove(folder)?;
            passed("the anchor is gone");
            Ok(())
        })?;
        passed("the map is rewritten");
        folder::write_format(folder, &note(None))?;
        passed("the step is done");
    }
    Ok(())
}

/// Where the map ends; nowhere if nothing was ever written to it.
fn head(map: &Rewrite<'_>) -> Result<Option<Head>, StoreError> {
    let key = head_key();
    let stored = map.after(Keyspace::Meta, b"g", 1)?.pop().filter(|(stored, _)| stored == &key[1..]);
    stored.map(|(_, stored)| read_head(&stored).ok_or_else(|| damaged(Keyspace::Meta, &key[1..]))).transpose()
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
