//! Filling an empty map with the entries of another store, in their order.

use crate::disk::Disk;
use crate::error::StoreError;
use crate::key::Keyspace;

/// Bytes that are written in one transaction.
const BATCH_BYTES: usize = 16 * 1024 * 1024;

/// Entries on their way to disk, with their values as they are to lie there.
pub(crate) struct Batch<'d> {
    disk: &'d Disk,
    entries: Vec<(Keyspace, Vec<u8>, Vec<u8>)>,
    bytes: usize,
}

impl<'d> Batch<'d> {
    pub(crate) fn new(disk: &'d Disk) -> Self {
        Self { disk, entries: Vec::new(), bytes: 0 }
    }

    pub(crate) fn add(&mut self, keyspace: Keyspace, key: &[u8], stored: &[u8]) -> Result<(), StoreError> {
        self.bytes += key.len() + stored.len();
        self.entries.push((keyspace, key.to_vec(), stored.to_vec()));
        if self.bytes >= BATCH_BYTES { self.write() } else { Ok(()) }
    }

    /// Writes what is left.
    pub(crate) fn write(&mut self) -> Result<(), StoreError> {
        self.disk.append(&self.entries)?;
        self.entries.clear();
        self.bytes = 0;
        Ok(())
    }
}
