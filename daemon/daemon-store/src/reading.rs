//! What must be read of a store before anything else can be: which one it is, how far it is, what is declared in it.

use crate::anchor::{self, Note};
use crate::chain::Link;
use crate::disk::Disk;
use crate::error::StoreError;
use crate::eventlog::log_key;
use crate::head::{Head, head_key, read_head};
use crate::key::{Keyspace, closing_u64};
use crate::layers::Layers;
use crate::overlay::{Overlay, ReadTxn};
use crate::registry::{Declared, Registry};
use crate::seal::damaged;
use crate::small::{decode_small, store_id_key};
use crate::tenant::TenantRow;
use crate::wal::recover::Recovered;
use std::path::Path;

/// What the map says before anything else is asked of it.
pub(crate) struct InMap {
    pub(crate) id: Option<String>,
    pub(crate) head: Head,
}

/// What must be known before anything else can be.
pub(crate) struct Stored {
    pub(crate) head: Head,
    pub(crate) registry: Registry,
}

/// Reads which store the map is, and how far.
pub(crate) fn read_in_map(disk: &Disk, txn: &ReadTxn) -> Result<InMap, StoreError> {
    let none = Overlay::new();
    let layers = Layers { recent: &none, moving: &none, disk, txn };
    let id = layers.get(&store_id_key())?.map(|id| String::from_utf8_lossy(&id).into_owned());
    Ok(InMap { id, head: stored_head(&layers)? })
}

/// What map and log hold, if it is as far as its anchor says.
pub(crate) fn read_stored(folder: &Path, disk: &Disk, log: &Recovered) -> Result<Stored, StoreError> {
    let note = anchor::read(folder)?;
    let txn = disk.read()?;
    let layers = Layers { recent: &log.recent, moving: &log.moving, disk, txn: &txn };
    let stored = read_layers(&layers)?;
    check_anchor(folder, note.as_ref(), &layers, stored.head)?;
    Ok(stored)
}

pub(crate) fn read_layers(layers: &Layers<'_>) -> Result<Stored, StoreError> {
    let head = stored_head(layers)?;
    check_log(layers, head)?;
    let tenants: Vec<TenantRow> = section(layers, b't')?;
    let collections: Vec<Declared> = section(layers, b'c')?;
    Ok(Stored { head, registry: Registry::of(tenants, collections) })
}

fn stored_head(layers: &Layers<'_>) -> Result<Head, StoreError> {
    match layers.get(&head_key())? {
        Some(value) => read_head(&value).ok_or_else(|| damaged(Keyspace::Meta, b"h")),
        None => Ok(Head::default()),
    }
}

/// The log ends exactly where the head says.
fn check_log(layers: &Layers<'_>, head: Head) -> Result<(), StoreError> {
    let last = layers.scan(&[Keyspace::Log as u8], &[Keyspace::Log as u8 + 1], true)?.next().transpose()?;
    let last = last.and_then(|(key, _)| closing_u64(key)).unwrap_or(0);
    if last == head.sequence.0 {
        Ok(())
    } else {
        Err(StoreError::damaged(format!("the event log (it ends at {last}, its head says {})", head.sequence)))
    }
}

/// Refuses a store that is behind its anchor, or whose log is another one than was noted.
pub(crate) fn check_anchor(
    folder: &Path,
    note: Option<&Note>,
    layers: &Layers<'_>,
    head: Head,
) -> Result<(), StoreError> {
    let Some(note) = note else { return Ok(()) };
    let id = layers.get(&store_id_key())?;
    if id.is_some_and(|id| *id != *note.store.as_bytes()) {
        return Err(StoreError::damaged(not_the_same_store(folder)));
    }
    if !note.allows(head) {
        let (found, noted) = (head, note.head);
        return Err(StoreError::Older {
            folder: folder.to_owned(),
            found: found.position,
            found_event: found.sequence,
            noted: noted.position,
            noted_event: noted.sequence,
        });
    }
    let link = layers.get(&log_key(note.head.sequence))?.map_or_else(Link::default, |event| Link::of(&event));
    if link == note.head.link {
        Ok(())
    } else {
        Err(StoreError::damaged(format!("the event log (event {} is not the one that was synced)", note.head.sequence)))
    }
}

fn section<T: serde::de::DeserializeOwned>(layers: &Layers<'_>, name: u8) -> Result<Vec<T>, StoreError> {
    let (low, high) = ([Keyspace::Meta as u8, name], [Keyspace::Meta as u8, name + 1]);
    let entries = layers.scan(&low, &high, false)?;
    entries.map(|entry| entry.and_then(|(key, value)| decode_small(Keyspace::Meta, key, &value))).collect()
}

pub(crate) fn not_the_same_store(folder: &Path) -> String {
    format!("the store in {} (its file is not the one that its format file names)", folder.display())
}
