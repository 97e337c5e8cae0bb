//! The LMDB environment: opened with durable flags only, one database a keyspace.

pub(crate) mod rewrite;

use crate::error::StoreError;
use crate::files::DATA_FILE;
use crate::key::Keyspace;
use crate::overlay::{Overlay, ReadTxn, Stored};
use crate::readers::open_table;
use crate::vault::Vault;
use heed::types::Bytes;
use heed::{CommitOrAbort, Database, Env, EnvFlags, EnvOpenOptions, PutFlags, RwTxn, WithoutTls};
use std::fs::File;
use std::ops::Bound;
use std::path::Path;

const READERS_MAX: u32 = 1024;
const KEYSPACES: usize = Keyspace::ALL.len();

type Table = Database<'static, Bytes, Bytes>;
type DiskEntries<'a> = Box<dyn Iterator<Item = Result<(&'a [u8], Option<Stored<'a>>), StoreError>> + 'a>;

/// What is in the log must fit into the map, whatever pages it touches on the way. So more is mapped than may be filled:
/// address space, no memory.
const MAP_RESERVE: u64 = 2;
/// A map is a whole number of pages, of whatever size the system has them.
const MAP_UNIT: u64 = 64 * 1024;

/// A write that failed with less free than this failed because the disk is full.
const FREE_BYTES_MIN: u64 = 1024 * 1024;

pub(crate) struct Disk {
    env: Env<WithoutTls>,
    tables: [Table; KEYSPACES],
    pub(crate) map_bytes: u64,
    /// In which form values lie in the map.
    pub(crate) vault: Vault,
    /// LMDB's table of readers, where this process writes the map. Kept open as long as the environment, and so last.
    pub(crate) readers: Option<File>,
}

impl Disk {
    /// Opens or creates the environment. The caller holds the folder's lock.
    pub(crate) fn open(folder: &Path, map_bytes: u64, vault: Vault) -> Result<Self, StoreError> {
        let mut options = EnvOpenOptions::new().read_txn_without_tls();
        // A store that is larger already needs room to be made smaller.
        let held_bytes = std::fs::metadata(folder.join(DATA_FILE)).map_or(0, |file| file.len());
        let mapped = map_bytes.max(held_bytes).saturating_mul(MAP_RESERVE).next_multiple_of(MAP_UNIT);
        options
            .map_size(usize::try_from(mapped).unwrap_or(usize::MAX))
            .max_readers(READERS_MAX)
            .max_dbs(u32::from(u8::MAX));
        let readers = open_table(folder, READERS_MAX).map_err(|e| StoreError::io(readers_table(folder), e))?;
        // SAFETY: the folder's lock keeps other processes from changing the mapped file, and no flags are set,
        // so LMDB's own locking and syncing are in force.
        #[expect(unsafe_code, reason = "LMDB maps the file into memory, which only this call site can answer for")]
        let env = unsafe { options.open(folder) }.map_err(|e| StoreError::lmdb(&open_file(folder), e))?;
        let tables = create_tables(&env).map_err(|e| StoreError::lmdb("open its keyspaces", e))?;
        let disk = Self { env, tables, map_bytes, vault, readers: Some(readers) };
        disk.forget_dead_readers()?;
        Ok(disk)
    }

    /// Readers whose process was killed stay in LMDB's table, and keep their pages, until somebody looks for them.
    pub(crate) fn forget_dead_readers(&self) -> Result<(), StoreError> {
        self.env.clear_stale_readers().map(drop).map_err(|e| StoreError::lmdb("clear stale readers", e))
    }

    pub(crate) fn read(&self) -> Result<ReadTxn, StoreError> {
        self.env.clone().static_read_txn().map_err(|e| StoreError::lmdb("begin reading", e))
    }

    pub(crate) fn get<'t>(
        &self,
        txn: &'t ReadTxn,
        keyspace: Keyspace,
        key: &[u8],
    ) -> Result<Option<&'t [u8]>, StoreError> {
        self.tables[keyspace as usize].get(txn, key).map_err(|e| StoreError::lmdb("read", e))
    }

    pub(crate) fn entries<'t>(
        &self,
        txn: &'t ReadTxn,
        keyspace: Keyspace,
        low: &[u8],
        end: Bound<&[u8]>,
        reverse: bool,
    ) -> Result<DiskEntries<'t>, StoreError> {
        let table = &self.tables[keyspace as usize];
        // LMDB knows no empty keys, not even to start from.
        let low = if low.is_empty() { Bound::Unbounded } else { Bound::Included(low) };
        let range = (low, end);
        let failed = |e| StoreError::lmdb("read", e);
        Ok(if reverse {
            let entries = table.rev_range(txn, &range).map_err(failed)?;
            Box::new(
                entries.map(move |entry| entry.map(|(key, value)| (key, Some(Stored::InMap(value)))).map_err(failed)),
            )
        } else {
            let entries = table.range(txn, &range).map_err(failed)?;
            Box::new(
                entries.map(move |entry| entry.map(|(key, value)| (key, Some(Stored::InMap(value)))).map_err(failed)),
            )
        })
    }

    pub(crate) fn count(&self, txn: &ReadTxn, keyspace: Keyspace) -> Result<u64, StoreError> {
        self.tables[keyspace as usize].len(txn).map_err(|e| StoreError::lmdb("count", e))
    }

    /// Writes everything in one transaction and syncs it. Gives the bytes then in use.
    pub(crate) fn write(&self, changes: &Overlay) -> Result<u64, StoreError> {
        self.try_write(changes).map_err(|e| self.full_disk().unwrap_or_else(|| StoreError::lmdb("write", e)))
    }

    /// What a failed write beside the map means.
    pub(crate) fn failed(&self, doing: &str, error: std::io::Error) -> StoreError {
        self.full_disk().unwrap_or_else(|| StoreError::lmdb(doing, heed::Error::Io(error)))
    }

    /// Adds entries that come after all that are there, in the order of keyspaces and keys, in one transaction. Pages
    /// are filled to their end. Their values have the form in which they are to lie there.
    pub(crate) fn append(&self, entries: &[(Keyspace, Vec<u8>, Vec<u8>)]) -> Result<(), StoreError> {
        let write = || {
            let mut txn = self.env.write_txn()?;
            for (keyspace, key, sealed) in entries {
                self.tables[*keyspace as usize].put_with_flags(&mut txn, PutFlags::APPEND, key, sealed)?;
            }
            txn.commit()
        };
        write().map_err(|e| self.full_disk().unwrap_or_else(|| StoreError::lmdb("write", e)))
    }

    /// LMDB says no more than "I/O error" when a write comes up short; the disk itself knows why.
    fn full_disk(&self) -> Option<StoreError> {
        let folder = self.env.path();
        let room = rustix::fs::statvfs(folder).ok()?;
        let free_bytes = room.f_bavail.saturating_mul(room.f_frsize);
        if free_bytes >= FREE_BYTES_MIN {
            return None;
        }
        // Where it lies is no matter of the clients who are refused.
        tracing::warn!(folder = %folder.display(), free_bytes, "the disk of the store is full");
        Some(StoreError::Full { why: format!("its disk has {free_bytes} bytes left") })
    }

    fn try_write(&self, changes: &Overlay) -> heed::Result<u64> {
        let mut txn = self.env.write_txn()?;
        // Keys come in order and one keyspace after another, which is the order LMDB likes best.
        for (key, value) in changes {
            let table = &self.tables[Keyspace::of(key) as usize];
            match value {
                Some(sealed) => table.put(&mut txn, &key[1..], &self.vault.close(key, sealed))?,
                None => {
                    table.delete(&mut txn, &key[1..])?;
                }
            }
        }
        let used = self.used_bytes(&txn)?;
        txn.commit()?;
        Ok(used)
    }

    fn used_bytes(&self, txn: &RwTxn<'_>) -> heed::Result<u64> {
        let mut bytes = 0;
        for table in &self.tables {
            let stat = table.stat(txn)?;
            let pages = stat.branch_pages + stat.leaf_pages + stat.overflow_pages;
            bytes += pages as u64 * u64::from(stat.page_size);
        }
        Ok(bytes)
    }

    /// Bytes in use before anything is written.
    pub(crate) fn used_at_open(&self) -> Result<u64, StoreError> {
        let failed = |e| StoreError::lmdb("measure its size", e);
        let txn = self.env.write_txn().map_err(failed)?;
        self.used_bytes(&txn).map_err(failed)
    }

    /// Bytes of the file.
    pub(crate) fn file_bytes(&self) -> Result<u64, StoreError> {
        self.env.real_disk_size().map_err(|e| StoreError::lmdb("measure its file", e))
    }
}

/// What is being done, for errors.
fn open_file(folder: &Path) -> String {
    format!("open {}", folder.join(DATA_FILE).display())
}

fn readers_table(folder: &Path) -> String {
    format!("make its table of readers in {}", folder.display())
}

/// The environment opened to be read beside the process that writes it, whose lock on the folder stays. Nothing of its
/// trees was looked at yet.
pub(crate) struct Beside(Env<WithoutTls>);

impl Beside {
    pub(crate) fn open(folder: &Path) -> Result<Self, StoreError> {
        let mut options = EnvOpenOptions::new().read_txn_without_tls();
        options.max_readers(READERS_MAX).max_dbs(u32::from(u8::MAX));
        // SAFETY: nothing but LMDB writes the file, and readers of other processes stand in its table of readers, so
        // the pages they see are not reused. The environment is only read through this handle.
        #[expect(unsafe_code, reason = "LMDB maps the file into memory, which only this call site can answer for")]
        let env = unsafe { options.flags(EnvFlags::READ_ONLY).open(folder) };
        env.map(Self).map_err(|e| StoreError::lmdb(&open_file(folder), e))
    }

    /// Keeps the pages of the newest commit from being reused while it lives.
    pub(crate) fn pin(&self) -> Result<ReadTxn, StoreError> {
        self.0.clone().static_read_txn().map_err(|e| StoreError::lmdb("begin reading", e))
    }

    pub(crate) fn tables(self, vault: Vault) -> Result<Disk, StoreError> {
        let tables = open_tables(&self.0).map_err(|e| StoreError::lmdb("open its keyspaces", e))?;
        let map_bytes = self.0.info().map_size as u64;
        Ok(Disk { env: self.0, tables, map_bytes, vault, readers: None })
    }
}

fn open_tables(env: &Env<WithoutTls>) -> heed::Result<[Table; KEYSPACES]> {
    let txn = env.read_txn()?;
    let opened = env.open_databases_and_commit(txn, |opener, txn| {
        let mut tables = Vec::with_capacity(KEYSPACES);
        for keyspace in Keyspace::ALL {
            let table = opener.open_database::<Bytes, Bytes>(txn, Some(keyspace.name()))?;
            tables.push(table.ok_or(heed::Error::Mdb(heed::MdbError::Corrupted))?);
        }
        let tables: [_; KEYSPACES] = tables.try_into().unwrap_or_else(|_| unreachable!("one table a keyspace"));
        Ok::<_, heed::Error>(CommitOrAbort::<_, ()>::Commit(tables))
    })?;
    Ok(opened.unwrap_commit())
}

fn create_tables(env: &Env<WithoutTls>) -> heed::Result<[Table; KEYSPACES]> {
    let txn = env.write_txn()?;
    let created = env.create_databases_and_commit(txn, |opener, txn| {
        let mut tables = Vec::with_capacity(KEYSPACES);
        for keyspace in Keyspace::ALL {
            tables.push(opener.create_database::<Bytes, Bytes>(txn, Some(keyspace.name()))?);
        }
        let tables: [_; KEYSPACES] = tables.try_into().unwrap_or_else(|_| unreachable!("one table a keyspace"));
        Ok::<_, heed::Error>(CommitOrAbort::<_, ()>::Commit(tables))
    })?;
    Ok(created.unwrap_commit())
}
