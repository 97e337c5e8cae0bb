//! Reading a store that another process may be writing.

use crate::disk::Beside;
use crate::error::StoreError;
use crate::inspect::Commit;
use crate::overlay::ReadTxn;
use std::path::Path;
use std::time::Duration;

/// How often what looks damaged is looked at again, and after how long.
const TRIES_MAX: u32 = 3;
const BETWEEN_TRIES: Duration = Duration::from_millis(20);

/// A writer would have to make two commits between two of the walk's own steps, so many times in a row.
const PIN_TRIES_MAX: u32 = 100;

/// Reads what another process may be writing. Its log is read block by block while it grows, and changes its file, so
/// that it can look as if something in it were missing. What is damaged is so the next time, too.
pub(crate) fn again_if_damaged<T>(read: impl Fn() -> Result<T, StoreError>) -> Result<T, StoreError> {
    for _ in 0..TRIES_MAX {
        match read() {
            Err(StoreError::Damaged { .. }) => std::thread::sleep(BETWEEN_TRIES),
            read => return read,
        }
    }
    read()
}

/// Keeps the newest commit's pages from being reused, and finds it before it is two commits old.
pub(crate) fn pin(folder: &Path, beside: &Beside) -> Result<(ReadTxn, Commit), StoreError> {
    for _ in 0..PIN_TRIES_MAX {
        let txn = beside.pin()?;
        if let Some(commit) = Commit::of(folder, txn.id() as u64) {
            return Ok((txn, commit));
        }
    }
    Err(no_commit(folder))
}

pub(crate) fn no_commit(folder: &Path) -> StoreError {
    StoreError::damaged(format!("the store in {} (its first pages do not name the commit in force)", folder.display()))
}
