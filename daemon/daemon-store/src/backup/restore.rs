//! Making a data folder of a backup.
//!
//! Everything is made and looked over in a folder of its own inside the data folder. As long as that is there the store
//! is not opened, so that a restore which did not come to its end can only be run again.

use super::{Backup, BackupHead};
use super::read::{check_backup, read};
use crate::disk::Disk;
use crate::error::StoreError;
use crate::folder::{self, FormatNote, RESTORING, STORE_FILES, sync_folder};
use crate::key::Keyspace;
use crate::layout::DATA_FILE;
use crate::store::Options;
use crate::verify::{VerifyReport, verify_folder};
use std::fs::File;
use std::io::{BufReader, ErrorKind};
use std::path::{Path, PathBuf};

/// Bytes that are written in one transaction.
const BATCH_BYTES: usize = 16 * 1024 * 1024;

/// What was restored.
#[derive(Debug, Clone)]
pub struct Restored {
    /// The backup.
    pub backup: Backup,
    /// What a walk over the restored store says; it is sound.
    pub report: VerifyReport,
    /// Where the store lies that was there before.
    pub replaced: Option<PathBuf>,
}

/// Makes a store of a backup in a folder that is empty or not there. The whole backup is checked before anything is
/// written, and the whole store before it can be opened. With `replace` a store that is there already is put aside,
/// in the same folder.
pub fn restore(backup: &Path, folder: &Path, replace: bool) -> Result<Restored, StoreError> {
    let checked = check_backup(&mut opened(backup)?)?;
    let _lock = folder::lock(folder)?;
    let occupied = occupants(folder)?;
    if !replace && !occupied.is_empty() {
        return Err(StoreError::Occupied { folder: folder.to_owned(), by: occupied.join(", ") });
    }
    let draft = folder.join(RESTORING);
    make(folder, &draft, backup, &checked)?;
    let report = verify_folder(&draft)?;
    if let Some(finding) = report.findings.first() {
        return Err(StoreError::damaged(format!("the restored store ({finding})")));
    }
    let replaced = folder::put_aside(folder, &STORE_FILES)?;
    let moved = std::fs::rename(draft.join(DATA_FILE), folder.join(DATA_FILE));
    moved.map_err(|e| StoreError::io("put the restored store in its place", e))?;
    // In the format in which it was backed up; what is to be upgraded is when it is opened.
    let BackupHead { format, store, .. } = checked.head.clone();
    folder::write_format(folder, &FormatNote { format, store, upgrading_from: None })?;
    // From here on it is a store like any other.
    std::fs::remove_dir_all(&draft).map_err(|e| StoreError::io(format!("remove {}", draft.display()), e))?;
    sync_folder(folder)?;
    Ok(Restored { backup: checked, report, replaced })
}

fn opened(path: &Path) -> Result<BufReader<File>, StoreError> {
    let file = File::open(path).map_err(|e| StoreError::io(format!("open {}", path.display()), e))?;
    Ok(BufReader::with_capacity(1 << 20, file))
}

/// What is in a folder beside what an interrupted restore left.
fn occupants(folder: &Path) -> Result<Vec<String>, StoreError> {
    let failed = |e| StoreError::io(format!("read the folder {}", folder.display()), e);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
        if name != RESTORING && !folder::is_a_lock(&name) {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

fn make(folder: &Path, draft: &Path, backup: &Path, checked: &Backup) -> Result<(), StoreError> {
    match std::fs::remove_dir_all(draft) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(StoreError::io(format!("remove {}", draft.display()), error));
        }
        _ => {}
    }
    std::fs::create_dir(draft).map_err(|e| StoreError::io(format!("make {}", draft.display()), e))?;
    sync_folder(folder)?;
    let disk = Disk::open(draft, Options::default().map_bytes)?;
    let mut batch = Batch { disk: &disk, entries: Vec::new(), bytes: 0 };
    let again = read(&mut opened(backup)?, &mut |keyspace, key, sealed| batch.add(keyspace, key, sealed))?;
    batch.write()?;
    if again == *checked { Ok(()) } else { Err(super::unusable("it changed while it was read")) }
}

/// Entries on their way to disk.
struct Batch<'d> {
    disk: &'d Disk,
    entries: Vec<(Keyspace, Vec<u8>, Vec<u8>)>,
    bytes: usize,
}

impl Batch<'_> {
    fn add(&mut self, keyspace: Keyspace, key: &[u8], sealed: &[u8]) -> Result<(), StoreError> {
        self.bytes += key.len() + sealed.len();
        self.entries.push((keyspace, key.to_vec(), sealed.to_vec()));
        if self.bytes >= BATCH_BYTES { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> Result<(), StoreError> {
        self.disk.append(&self.entries)?;
        self.entries.clear();
        self.bytes = 0;
        Ok(())
    }
}
