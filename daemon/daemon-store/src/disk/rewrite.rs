//! Changing what is in the map beside the way of units: all of a change happens or nothing.

use super::{Disk, KEYSPACES, Table};
use crate::error::StoreError;
use crate::key::Keyspace;
use crate::seal::{seal, seal_in_place};
use crate::vault::Vault;
use heed::RwTxn;
use std::ops::Bound;

/// Key without its keyspace, and value.
pub(crate) type Pair = (Vec<u8>, Vec<u8>);

/// The map while it is rewritten.
pub(crate) struct Rewrite<'d> {
    txn: RwTxn<'d>,
    tables: &'d [Table; KEYSPACES],
    vault: &'d Vault,
}

impl Disk {
    /// Runs a change and commits it, synced; if it fails, nothing of it remains.
    pub(crate) fn rewrite<T>(
        &self,
        change: impl FnOnce(&mut Rewrite<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let failed = |e| self.full_disk().unwrap_or_else(|| StoreError::lmdb("write", e));
        let mut rewrite =
            Rewrite { txn: self.env.write_txn().map_err(failed)?, tables: &self.tables, vault: &self.vault };
        let changed = change(&mut rewrite)?;
        rewrite.txn.commit().map_err(failed)?;
        Ok(changed)
    }
}

impl Rewrite<'_> {
    /// The next entries of a keyspace, checked, at most so many. They are copies, so that the map may be changed meanwhile.
    pub(crate) fn after(&self, keyspace: Keyspace, key: &[u8], limit: usize) -> Result<Vec<Pair>, StoreError> {
        self.from(keyspace, key)?.take(limit).collect()
    }

    /// The next entries of a keyspace up to the one with which their values come to so many bytes; none after the last.
    pub(crate) fn page(&self, keyspace: Keyspace, key: &[u8], bytes: usize) -> Result<Vec<Pair>, StoreError> {
        let mut read = 0;
        let mut page = Vec::new();
        for entry in self.from(keyspace, key)? {
            let entry = entry?;
            read += entry.1.len();
            page.push(entry);
            if read >= bytes {
                break;
            }
        }
        Ok(page)
    }

    fn from(
        &self,
        keyspace: Keyspace,
        key: &[u8],
    ) -> Result<impl Iterator<Item = Result<Pair, StoreError>>, StoreError> {
        let failed = |e| StoreError::lmdb("read", e);
        // LMDB knows no empty keys, not even to start from.
        let low = if key.is_empty() { Bound::Unbounded } else { Bound::Excluded(key) };
        let entries = self.tables[keyspace as usize].range(&self.txn, &(low, Bound::Unbounded)).map_err(failed)?;
        Ok(entries.map(move |entry| {
            let (key, sealed) = entry.map_err(failed)?;
            Ok((key.to_vec(), self.vault.open(keyspace, key, sealed)?.into_owned()))
        }))
    }

    /// What stands under a key with its keyspace, checked.
    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let keyspace = Keyspace::of(key);
        let found = self.tables[keyspace as usize].get(&self.txn, &key[1..]);
        let found = found.map_err(|e| StoreError::lmdb("read", e))?;
        found.map(|sealed| Ok(self.vault.open(keyspace, &key[1..], sealed)?.into_owned())).transpose()
    }

    /// Writes a value under a key with its keyspace.
    pub(crate) fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        self.put_sealed(key, &seal(key, value))
    }

    /// The same of a value that has room for its seal before it.
    pub(crate) fn put_in_place(&mut self, key: &[u8], value: Vec<u8>) -> Result<(), StoreError> {
        self.put_sealed(key, &seal_in_place(key, value))
    }

    /// Removes what stands under a key with its keyspace.
    pub(crate) fn remove(&mut self, key: &[u8]) -> Result<(), StoreError> {
        let table = &self.tables[Keyspace::of(key) as usize];
        table.delete(&mut self.txn, &key[1..]).map(drop).map_err(|e| StoreError::lmdb("write", e))
    }

    fn put_sealed(&mut self, key: &[u8], sealed: &[u8]) -> Result<(), StoreError> {
        let table = &self.tables[Keyspace::of(key) as usize];
        table.put(&mut self.txn, &key[1..], &self.vault.close(key, sealed)).map_err(|e| StoreError::lmdb("write", e))
    }
}
