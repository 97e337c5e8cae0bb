//! Writing a backup, beside a daemon that goes on writing or of a store at rest.

use super::frame::{FrameWriter, Kind};
use super::{BACKUP_FORM, Backup, BackupEnd, BackupHead, KeyspaceSum, MAGIC};
use crate::chain::{Link, chain_key};
use crate::error::StoreError;
use crate::key::Keyspace;
use crate::layers::Layers;
use crate::reading::read_layers;
use crate::seal::seal;
use crate::small::store_id_key;
use crate::snapshot::{Patience, Snapshot};
use crate::vault::StoreKey;
use sha2::{Digest, Sha256};
use std::io::Write;
use std::path::Path;

/// Entries are gathered into frames of about this size.
const FRAME_BYTES: usize = 256 * 1024;

/// Writes a backup of the store in a folder as of its newest commit, also while a daemon uses it. Its pages are looked
/// over by plain reads first and every value is checked as it is copied, so a damaged store is refused by the place of
/// the damage. If it cannot go on, the file says why and has no end.
///
/// A page that is damaged in between can end the process that meets it, so this is the work of a process of its own.
/// It is ended when its patience is over.
pub fn back_up(
    folder: &Path,
    key: Option<&StoreKey>,
    now_ms: u64,
    patience: impl Into<Patience>,
    out: &mut dyn Write,
) -> Result<Backup, StoreError> {
    let patience = patience.into();
    framed(out, |writer| {
        let snapshot = Snapshot::beside(folder, key)?;
        write(snapshot.layers(), snapshot.format, now_ms, patience, writer)
    })
}

pub(crate) fn framed(
    out: &mut dyn Write,
    write: impl FnOnce(&mut FrameWriter<'_>) -> Result<Backup, StoreError>,
) -> Result<Backup, StoreError> {
    let mut writer = FrameWriter::new(out);
    writer.raw(MAGIC)?;
    let written = write(&mut writer);
    if let Err(error) = &written {
        // The reader of a pipe sees why it ends; if that cannot be told either, it has no end.
        let _ = writer.frame(Kind::Failed, error.with_code().as_bytes());
    }
    writer.flush()?;
    written
}

pub(crate) fn write(
    layers: Layers<'_>,
    format: u32,
    now_ms: u64,
    patience: Patience,
    writer: &mut FrameWriter<'_>,
) -> Result<Backup, StoreError> {
    let head = head(&layers, format, now_ms)?;
    writer.frame(Kind::Head, &json(&head)?)?;
    let mut end = BackupEnd::default();
    for keyspace in Keyspace::ALL {
        end.keyspaces.insert(keyspace.name().to_owned(), entries(&layers, keyspace, patience, writer)?);
    }
    end.sha256 = writer.sum();
    writer.frame(Kind::End, &json(&end)?)?;
    Ok(Backup { head, end, bytes: writer.bytes })
}

fn json(value: &impl serde::Serialize) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(value).map_err(|e| StoreError::io("write the backup", e))
}

fn head(layers: &Layers<'_>, format: u32, now_ms: u64) -> Result<BackupHead, StoreError> {
    let stored = read_layers(layers)?;
    let id = layers.get(&store_id_key())?.unwrap_or_default();
    let mut chains = std::collections::BTreeMap::new();
    for tenant in stored.registry.tenants() {
        if let Some(link) = layers.get(&chain_key(tenant.number()))?.and_then(|link| Link::read(&link)) {
            chains.insert(tenant.id().to_string(), hex::encode(link.0));
        }
    }
    Ok(BackupHead {
        backup: BACKUP_FORM,
        format,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        store: String::from_utf8_lossy(&id).into_owned(),
        key: layers.disk.vault.key().map(|key| key.id().to_string()),
        made_ms: now_ms,
        position: stored.head.position,
        sequence: stored.head.sequence.0,
        link: hex::encode(stored.head.link.0),
        chains,
    })
}

/// Writes a keyspace's entries as they lie on disk, or will when the log is moved there.
fn entries(
    layers: &Layers<'_>,
    keyspace: Keyspace,
    patience: Patience,
    writer: &mut FrameWriter<'_>,
) -> Result<KeyspaceSum, StoreError> {
    let mut sum = Sum::default();
    let mut frame = Vec::with_capacity(FRAME_BYTES * 2);
    let mut stored_key = vec![keyspace as u8];
    for entry in layers.scan(&[keyspace as u8], &[keyspace as u8 + 1], false)? {
        let (key, value) = entry?;
        stored_key.truncate(1);
        stored_key.extend_from_slice(key);
        let wrapped = seal(&stored_key, &value);
        let sealed: &[u8] = &layers.disk.vault.close(&stored_key, &wrapped);
        sum.add(key, sealed);
        frame.push(keyspace as u8);
        for part in [key, sealed] {
            let length = u32::try_from(part.len()).map_err(|_| super::unusable("an entry is too large"))?;
            frame.extend_from_slice(&length.to_le_bytes());
            frame.extend_from_slice(part);
        }
        if frame.len() >= FRAME_BYTES {
            patience.lasts()?;
            writer.frame(Kind::Entries, &frame)?;
            frame.clear();
        }
    }
    patience.lasts()?;
    if !frame.is_empty() {
        writer.frame(Kind::Entries, &frame)?;
    }
    Ok(sum.finish())
}

/// Sums up the entries of a keyspace.
#[derive(Default)]
pub(super) struct Sum {
    entries: u64,
    bytes: u64,
    digest: Sha256,
}

impl Sum {
    pub(super) fn add(&mut self, key: &[u8], sealed: &[u8]) {
        self.entries += 1;
        for part in [key, sealed] {
            self.bytes += part.len() as u64;
            self.digest.update((part.len() as u64).to_le_bytes());
            self.digest.update(part);
        }
    }

    pub(super) fn finish(self) -> KeyspaceSum {
        let Self { entries, bytes, digest } = self;
        KeyspaceSum { entries, bytes, sha256: hex::encode(digest.finalize()) }
    }
}
