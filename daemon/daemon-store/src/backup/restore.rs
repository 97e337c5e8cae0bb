//! Making a data folder of a backup.
//!
//! Everything is made and looked over in a folder of its own inside the data folder. As long as that is there the store
//! is not opened, so that a restore which did not come to its end can only be run again.

use super::read::{VaultFor, read};
use super::{Backup, BackupHead};
use crate::batch::Batch;
use crate::disk::Disk;
use crate::error::StoreError;
use crate::files::{DATA_FILE, RESTORING, STORE_FILES};
use crate::folder::{self, FormatNote, sync_folder};
use crate::options::Options;
use crate::vault::{StoreKey, Vault};
use crate::verify::{VerifyReport, verify_folder};
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

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
pub fn restore(backup: &Path, key: Option<&StoreKey>, folder: &Path, replace: bool) -> Result<Restored, StoreError> {
    let vault: &VaultFor<'_> = &|wanted| folder::vault("the backup", wanted, key).map(Some);
    let checked = read(&mut opened(backup)?, vault, &mut |_, _, _| Ok(()))?;
    let _lock = folder::lock(folder)?;
    let occupied = occupants(folder)?;
    if !replace && !occupied.is_empty() {
        return Err(StoreError::Occupied { folder: folder.to_owned(), by: occupied.join(", ") });
    }
    let draft = folder.join(RESTORING);
    let made = Making { folder, draft: &draft, backup, vault };
    made.make(Vault::new(key.cloned()), &checked)?;
    let report = verify_folder(&draft, key)?;
    if let Some(finding) = report.findings.first() {
        return Err(StoreError::damaged(format!("the restored store ({finding})")));
    }
    let replaced = folder::put_aside(folder, &STORE_FILES)?;
    let moved = std::fs::rename(draft.join(DATA_FILE), folder.join(DATA_FILE));
    moved.map_err(|e| StoreError::io("put the restored store in its place", e))?;
    // In the format in which it was backed up; what is to be upgraded is when it is opened.
    let BackupHead { format, store, .. } = checked.head.clone();
    folder::write_format(folder, &FormatNote { format, ..FormatNote::newest(&store, &Vault::new(key.cloned())) })?;
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

/// A store on its way from a backup into a folder of its own.
struct Making<'d> {
    folder: &'d Path,
    draft: &'d Path,
    backup: &'d Path,
    vault: &'d VaultFor<'d>,
}

impl Making<'_> {
    fn make(&self, vault: Vault, checked: &Backup) -> Result<(), StoreError> {
        let Self { folder, draft, .. } = *self;
        folder::remove_draft(draft)?;
        std::fs::create_dir(draft).map_err(|e| StoreError::io(format!("make {}", draft.display()), e))?;
        sync_folder(folder)?;
        let disk = Disk::open(draft, Options::default().map_bytes, vault)?;
        let mut batch = Batch::new(&disk);
        let visit = &mut |keyspace, key: &[u8], stored: &[u8]| batch.add(keyspace, key, stored);
        let again = read(&mut opened(self.backup)?, self.vault, visit)?;
        batch.write()?;
        if again == *checked { Ok(()) } else { Err(super::unusable("it changed while it was read")) }
    }
}
