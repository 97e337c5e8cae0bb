//! Opening a store: what is damaged, behind its anchor or another store is refused before anything is written.

use crate::anchor::{self, Anchor};
use crate::disk::Disk;
use crate::error::StoreError;
use crate::files::{DATA_FILE, LOG_FILES};
use crate::folder::{self, FormatNote};
use crate::head::Head;
use crate::inspect::inspect;
use crate::key::Keyspace;
use crate::layers::Layers;
use crate::options::Options;
use crate::overlay::Overlay;
use crate::reading::{Stored, not_the_same_store, read_in_map, read_layers, read_stored};
use crate::registry::Registry;
use crate::rekey;
use crate::seal::seal;
use crate::small::store_id_key;
use crate::upgrade;
use crate::vault::{StoreKey, Vault};
use crate::wal::recover::Recovered;
use crate::wal::{Bytes, Wal};
use contract_model::Sequence;
use std::path::Path;

/// The largest file that is looked over from end to end before it is served.
pub const STORE_LOOK_OVER_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// A store that may be used.
pub(crate) struct Opened {
    pub(crate) disk: Disk,
    pub(crate) anchor: Anchor,
    pub(crate) store_id: String,
    pub(crate) head: Head,
    pub(crate) registry: Registry,
    pub(crate) looked_over: bool,
    pub(crate) wal: Wal,
    /// What the log says beyond the map.
    pub(crate) log: Recovered,
    /// Position of the last unit in the map.
    pub(crate) moved: u64,
}

/// Opens the store in a folder whose lock the caller holds, or makes one there.
pub(crate) fn open(folder: &Path, options: &Options) -> Result<Opened, StoreError> {
    folder::refuse_unfinished(folder)?;
    rekey::finish(folder)?;
    let note = folder::read_format(folder)?;
    let vault = folder::vault_of(folder, options.key.as_ref())?;
    // LMDB would begin a new store in either.
    let lost = match std::fs::metadata(folder.join(DATA_FILE)) {
        Err(_) => Some("missing"),
        Ok(file) => (file.len() == 0).then_some("empty"),
    };
    if let Some(lost) = lost.filter(|_| note.is_some()) {
        let what = format!("the store in {} (its file {DATA_FILE} is {lost})", folder.display());
        return Err(StoreError::damaged(what));
    }
    let looked_over = look_over(folder, &vault)?;
    let disk = Disk::open(folder, options.map_bytes, vault)?;
    if note.is_none() && !is_new(&disk)? {
        return Err(folder::formatless(folder, DATA_FILE.to_owned()));
    }
    let store_id = match (&note, read_in_map(&disk, &disk.read()?)?.id) {
        (Some(note), Some(id)) if note.store == id => id,
        // The folder was set up but its format file was not yet written.
        (None, Some(id)) => settled(folder, id, &disk.vault)?,
        (None, None) => settled(folder, write_id(&disk)?, &disk.vault)?,
        (Some(_), _) => return Err(StoreError::damaged(not_the_same_store(folder))),
    };
    if let Some(from) = note.as_ref().and_then(FormatNote::outdated) {
        upgrade::run(folder, &disk, &store_id, from, &mut |_| ())?;
    }
    let moved = read_in_map(&disk, &disk.read()?)?.head.position;
    let (wal, log) = Wal::open(folder, &store_id, &disk.vault, moved)?;
    let Stored { head, registry } = read_stored(folder, &disk, &log)?;
    let anchor = Anchor::open(folder, &store_id, head)?;
    Ok(Opened { disk, anchor, store_id, head, registry, looked_over, wal, log, moved })
}

/// Whether nothing was ever decided in a map: it holds the store's id at most.
fn is_new(disk: &Disk) -> Result<bool, StoreError> {
    let (none, txn, id) = (Overlay::new(), disk.read()?, store_id_key());
    let layers = Layers { recent: &none, moving: &none, disk, txn: &txn };
    for keyspace in Keyspace::ALL.map(|keyspace| keyspace as u8) {
        for entry in layers.scan(&[keyspace], &[keyspace + 1], false)?.take(2) {
            if [&[keyspace], entry?.0].concat() != *id {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// Refuses a file with anything damaged in it, before it is mapped and before any of it is served. Gives whether the
/// whole of it was looked at: of one beyond [`STORE_LOOK_OVER_BYTES_MAX`] only what says where it ends.
fn look_over(folder: &Path, vault: &Vault) -> Result<bool, StoreError> {
    let bytes = std::fs::metadata(folder.join(DATA_FILE)).map_or(0, |file| file.len());
    if bytes > STORE_LOOK_OVER_BYTES_MAX {
        return crate::layout::check(folder).map(|()| false);
    }
    let found = inspect(folder, vault)?;
    let Some(first) = found.damage.first() else { return Ok(true) };
    let rest = found.damage.len() as u64 + found.more - 1;
    let more = if rest == 0 { String::new() } else { format!(", and {rest} more") };
    Err(StoreError::damaged(format!("the store in {} ({first}{more})", folder.display())))
}

/// How far a store is, by its file and by the note that it was behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// The last unit of work in the file.
    pub position: u64,
    /// The last event in it.
    pub sequence: Sequence,
    /// The last unit and event that were known to have been on disk, if they were noted.
    pub noted: Option<(u64, Sequence)>,
}

/// Goes on with the state that a store's file is in, though a later one was on disk before: the anchor is made to say
/// so. A log that does not follow from the file is put aside. The file itself must be sound.
pub fn accept_older(folder: &Path, key: Option<&StoreKey>) -> Result<Accepted, StoreError> {
    folder::refuse_unfinished(folder)?;
    let lock = folder::lock(folder)?;
    rekey::finish(folder)?;
    let vault = folder::vault_of(folder, key)?;
    look_over(folder, &vault)?;
    let noted = anchor::read(folder)?.map(|note| (note.head.position, note.head.sequence));
    let disk = Disk::open(folder, Options::default().map_bytes, vault)?;
    let txn = disk.read()?;
    let in_map = read_in_map(&disk, &txn)?;
    let same = folder::read_format(folder)?.is_some_and(|note| Some(note.store) == in_map.id);
    let id = in_map.id.filter(|_| same).ok_or_else(|| StoreError::damaged(not_the_same_store(folder)))?;
    let log = Bytes::read(folder)?.recover(&id, key, in_map.head.position);
    let log = if matches!(log, Err(StoreError::Damaged { .. })) {
        folder::put_aside(folder, &LOG_FILES)?;
        Recovered::default()
    } else {
        log?
    };
    let Stored { head, .. } =
        read_layers(&Layers { recent: &log.recent, moving: &log.moving, disk: &disk, txn: &txn })?;
    Anchor::open(folder, &id, head)?.close();
    drop(lock);
    Ok(Accepted { position: head.position, sequence: head.sequence, noted })
}

fn write_id(disk: &Disk) -> Result<String, StoreError> {
    let id = folder::new_store_id()?;
    let key = store_id_key();
    let sealed = seal(&key, id.as_bytes());
    disk.write(&Overlay::unit(key, Some(sealed)))?;
    Ok(id)
}

fn settled(folder: &Path, id: String, vault: &Vault) -> Result<String, StoreError> {
    folder::write_format(folder, &FormatNote::newest(&id, vault))?;
    Ok(id)
}
