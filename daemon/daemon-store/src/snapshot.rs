//! A store as it lies in its folder at one moment, read by a process that does not write it.

use crate::disk::{Beside, Disk};
use crate::error::StoreError;
use crate::folder::{format_of, refuse_rekeyed, tables_of, vault_of};
use crate::inspect::Commit;
use crate::layers::Layers;
use crate::overlay::ReadTxn;
use crate::pin::{again_if_damaged, pin};
use crate::reading::read_in_map;
use crate::vault::{StoreKey, Vault};
use crate::wal::Bytes;
use crate::wal::recover::Recovered;
use contract_model::Millis;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// For how long a store may be read beside whoever writes it.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    began: Instant,
    within: Duration,
    /// Set when the reading is to end before its time.
    told: Option<&'static AtomicBool>,
}

/// As long as this from now on.
impl From<Duration> for Patience {
    fn from(within: Duration) -> Self {
        Self { began: Instant::now(), within, told: None }
    }
}

impl Patience {
    /// Ends, too, when this becomes true.
    #[must_use]
    pub fn unless(self, told: &'static AtomicBool) -> Self {
        Self { told: Some(told), ..self }
    }

    /// Ends the reading that takes longer: the pages of its moment are kept for it, and the store's file grows.
    pub(crate) fn lasts(self) -> Result<(), StoreError> {
        if self.told.is_some_and(|told| told.load(Relaxed)) {
            return Err(StoreError::ReadEnded);
        }
        if self.began.elapsed() < self.within {
            return Ok(());
        }
        Err(StoreError::ReadTooLong { within: Millis(u64::try_from(self.within.as_millis()).unwrap_or(u64::MAX)) })
    }
}

/// Everything that was synced when it was taken. The pages it reads are not reused while it lives.
pub(crate) struct Snapshot {
    /// The format that it lies in.
    pub(crate) format: u32,
    log: Recovered,
    txn: ReadTxn,
    disk: Disk,
}

impl Snapshot {
    /// Takes one, also beside a daemon that goes on writing. The file's pages are looked over by plain reads first, and
    /// a damaged one is refused by its place.
    pub(crate) fn beside(folder: &Path, key: Option<&StoreKey>) -> Result<Self, StoreError> {
        again_if_damaged(|| Self::take(folder, key))
    }

    fn take(folder: &Path, key: Option<&StoreKey>) -> Result<Self, StoreError> {
        refuse_rekeyed(folder)?;
        let (vault, format) = (vault_of(folder, key)?, format_of(folder)?);
        crate::layout::check(folder)?;
        // Read before the map: what a writer moves in between is then in both, and not in neither.
        let log = Bytes::read(folder)?;
        let beside = Beside::open(folder)?;
        let (pinned, commit) = pin(folder, &beside)?;
        look_over(folder, &commit, &vault)?;
        let disk = tables_of(folder, beside, vault, format)?;
        // LMDB lets a transaction see only those tables that were open when it began; the other one ends here, so that
        // no page is kept for it.
        drop(pinned);
        let txn = disk.read()?;
        let in_map = read_in_map(&disk, &txn)?;
        let log = log.recover(&in_map.id.unwrap_or_default(), key, in_map.head.position)?;
        // The file says so before a commit does, so what is read now is of the format that it said both times.
        if format_of(folder)? != format {
            let what = format!("the store in {} (it was upgraded while it was read)", folder.display());
            return Err(StoreError::damaged(what));
        }
        Ok(Self { format, log, txn, disk })
    }

    pub(crate) fn layers(&self) -> Layers<'_> {
        Layers { recent: &self.log.recent, moving: &self.log.moving, disk: &self.disk, txn: &self.txn }
    }
}

/// Refuses a commit with anything damaged in it.
pub(crate) fn look_over(folder: &Path, commit: &Commit, vault: &Vault) -> Result<(), StoreError> {
    match commit.inspect(vault).damage.first() {
        None => Ok(()),
        Some(first) => Err(StoreError::damaged(format!("the store in {} ({first})", folder.display()))),
    }
}
