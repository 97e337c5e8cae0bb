//! Encrypting a store, giving it another key, or decrypting it: the whole of it is written anew.
//!
//! The new store is made in a folder of its own, walked, and held to the old one. Then that folder is renamed, and from
//! this moment the new one counts: whoever opens the data folder next puts its files in their places first.

use crate::batch::Batch;
use crate::disk::Disk;
use crate::error::StoreError;
use crate::files::{DATA_FILE, FORMAT_FILE, REKEYED};
use crate::folder::{self, FormatNote, STORE_FORMAT, sync_folder};
use crate::key::Keyspace;
use crate::options::Options;
use crate::reading::read_in_map;
use crate::seal::seal;
use crate::snapshot::Snapshot;
use crate::upgrade::move_log;
use crate::vault::{StoreKey, Vault};
use crate::verify::{VerifyReport, verify_folder};
use std::path::Path;

/// In it the new store is made.
const REKEYING: &str = "rekeying";

/// Seals the store in a folder, which nobody else uses, with another key, or with none. Until it is through, the store
/// is the one that it was; `passed` is told of each point at which it may end.
pub fn rekey(
    folder: &Path,
    from: Option<&StoreKey>,
    to: Option<&StoreKey>,
    passed: &mut dyn FnMut(&'static str),
) -> Result<VerifyReport, StoreError> {
    folder::refuse_unfinished(folder)?;
    let _lock = folder::lock(folder)?;
    finish(folder)?;
    let note = folder::read_format(folder)?.filter(|note| note.format == STORE_FORMAT && note.outdated().is_none());
    let note = note.ok_or_else(|| {
        let why = format!("there is no store of this version in {}; start it once", folder.display());
        StoreError::io("change its key", std::io::Error::other(why))
    })?;
    settle(folder, &note.store, from)?;
    passed("the log is in the map");
    let draft = folder.join(REKEYING);
    folder::remove_draft(&draft)?;
    std::fs::create_dir(&draft).map_err(|e| StoreError::io(format!("make {}", draft.display()), e))?;
    let vault = Vault::new(to.cloned());
    copy(folder, from, &draft, &vault)?;
    passed("the new store is made");
    folder::write_format(&draft, &FormatNote::newest(&note.store, &vault))?;
    let (before, after) = (verify_folder(folder, from)?, verify_folder(&draft, to)?);
    if let Some(finding) = before.findings.first().or(after.findings.first()) {
        return Err(StoreError::damaged(format!("the store in {} ({finding})", folder.display())));
    }
    if before.content != after.content {
        return Err(StoreError::damaged(format!(
            "the new store in {} (it is not what it was made of)",
            draft.display()
        )));
    }
    passed("the new store is walked");
    rename(&draft, &folder.join(REKEYED))?;
    sync_folder(folder)?;
    passed("the new store counts");
    finish(folder)?;
    Ok(after)
}

/// Puts a store that was made in its place, if one was, and removes one that was not made to its end.
pub(crate) fn finish(folder: &Path) -> Result<(), StoreError> {
    folder::remove_draft(&folder.join(REKEYING))?;
    let made = folder.join(REKEYED);
    if !made.exists() {
        return Ok(());
    }
    for name in [DATA_FILE, FORMAT_FILE] {
        if made.join(name).exists() {
            rename(&made.join(name), &folder.join(name))?;
            sync_folder(folder)?;
        }
    }
    folder::remove_draft(&made)?;
    sync_folder(folder)
}

/// Looks the store over, holds it to its anchor, and leaves nothing beside its map.
fn settle(folder: &Path, store: &str, key: Option<&StoreKey>) -> Result<(), StoreError> {
    let vault = folder::vault_of(folder, key)?;
    drop(Snapshot::beside(folder, key)?);
    let disk = Disk::open(folder, Options::default().map_bytes, vault)?;
    match read_in_map(&disk, &disk.read()?)?.id {
        Some(id) if id == store => move_log(folder, &disk, store),
        _ => Err(StoreError::damaged(crate::reading::not_the_same_store(folder))),
    }
}

fn copy(folder: &Path, from: Option<&StoreKey>, draft: &Path, vault: &Vault) -> Result<(), StoreError> {
    let snapshot = Snapshot::beside(folder, from)?;
    let disk = Disk::open(draft, Options::default().map_bytes, vault.clone())?;
    let mut batch = Batch::new(&disk);
    for keyspace in Keyspace::ALL {
        let mut stored_key = vec![keyspace as u8];
        for entry in snapshot.layers().scan(&[keyspace as u8], &[keyspace as u8 + 1], false)? {
            let (key, value) = entry?;
            stored_key.truncate(1);
            stored_key.extend_from_slice(key);
            batch.add(keyspace, key, &vault.close(&stored_key, &seal(&stored_key, &value)))?;
        }
    }
    batch.write()
}

fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    std::fs::rename(from, to).map_err(|e| StoreError::io(format!("put {} in its place", to.display()), e))
}
