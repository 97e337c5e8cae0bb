//! Who reads the map, out of LMDB's own table. Whoever stands in it keeps the pages that it may read from being used
//! again, so the file grows by what is written meanwhile.
//!
//! Source of the layout: `mdb.c` of LMDB 0.9.70 (`MDB_txninfo`, `MDB_reader`), as vendored by lmdb-master-sys: two heads
//! that end in a mutex, each filled up to whole lines, then a line for each reader.

use crate::layout::{MAGIC, u32_of, u64_of};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const READERS_FILE: &str = "lock.mdb";
/// LMDB lays what threads write onto lines of its own.
const LINE_BYTES: usize = 64;
const NEWEST_AT: usize = 8;
const COUNT_AT: usize = 16;
const MUTEX_AT: usize = 24;
const HEADS_BYTES: usize = (MUTEX_AT + size_of::<libc::pthread_mutex_t>()).next_multiple_of(LINE_BYTES)
    + size_of::<libc::pthread_mutex_t>().next_multiple_of(LINE_BYTES);
/// A line that nobody reads with.
const NO_TRANSACTION: u64 = u64::MAX;

/// One that reads: its process, and the commit that it reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Reader {
    transaction: u64,
    process: u32,
}

/// Whose commit was followed by another one, and since when. Told after each commit, and bounded by the table itself.
#[derive(Debug, Default)]
pub(crate) struct Readers(Mutex<BTreeMap<Reader, Instant>>);

/// The oldest of those who keep pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Oldest {
    /// The commit that it reads.
    pub(crate) transaction: u64,
    /// Since when that is no longer the newest one.
    pub(crate) keeps: Duration,
}

impl Readers {
    /// A commit was made.
    pub(crate) fn committed(&self, table: &File) {
        let keeping = keeping(table);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|reader, _| keeping.contains(reader));
        for reader in keeping {
            known.entry(reader).or_insert_with(Instant::now);
        }
    }

    /// The oldest one that keeps pages now, if any does.
    pub(crate) fn oldest(&self, table: &File) -> Option<Oldest> {
        let oldest = keeping(table).into_iter().min()?;
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let keeps = known.get(&oldest).map_or(Duration::ZERO, Instant::elapsed);
        Some(Oldest { transaction: oldest.transaction, keeps })
    }
}

/// Opens the table and sees to it that there is room for all of it: LMDB maps it from a file that it only makes long
/// enough, and a reader that comes to a page for which a full disk has no room would end the process by SIGBUS.
///
/// This is done before LMDB opens the file, and the handle is kept for as long as LMDB has it open: the system ends all
/// locks of a process on a file when the process closes any handle of it. Without its lock the file looks to the next
/// process as if nobody used it, and is begun anew under the readers that stand in it.
pub(crate) fn open_table(folder: &Path, readers_max: u32) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    let table = options.open(folder.join(READERS_FILE))?;
    let bytes = (HEADS_BYTES + LINE_BYTES * readers_max as usize) as u64;
    match rustix::fs::fallocate(&table, rustix::fs::FallocateFlags::empty(), 0, bytes) {
        // Where a file system cannot promise room, nothing is lost by having asked.
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => Ok(table),
        reserved => reserved.map(|()| table).map_err(Into::into),
    }
}

/// Everybody who reads another commit than the newest one. A table that cannot be read tells of nobody.
fn keeping(table: &File) -> Vec<Reader> {
    let read = || {
        let mut bytes = vec![0; usize::try_from(table.metadata().ok()?.len()).ok()?];
        table.read_exact_at(&mut bytes, 0).ok()?;
        keeping_in(&bytes)
    };
    read().unwrap_or_default()
}

fn keeping_in(table: &[u8]) -> Option<Vec<Reader>> {
    let (magic, newest, count) = (u32_of(table, 0)?, u64_of(table, NEWEST_AT)?, u32_of(table, COUNT_AT)?);
    if magic != MAGIC {
        return None;
    }
    let lines = table.get(HEADS_BYTES..)?.chunks_exact(LINE_BYTES).take(usize::try_from(count).ok()?);
    let readers = lines.filter_map(|line| Some(Reader { transaction: u64_of(line, 0)?, process: u32_of(line, 8)? }));
    let keeps =
        |reader: &Reader| reader.process != 0 && reader.transaction != NO_TRANSACTION && reader.transaction < newest;
    Some(readers.filter(keeps).collect())
}
