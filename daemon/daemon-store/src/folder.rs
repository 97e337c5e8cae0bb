//! The data folder around the environment: its lock, its format, and proof that the file is the one it was.

use crate::disk::{Beside, Disk};
use crate::error::StoreError;
use crate::files::{DATA_FILE, FORMAT_FILE, LOCK_FILE, READERS_FILE, REKEYED, RESTORING, STORE_FILES};
use crate::vault::{StoreKey, Vault};
use contract_trust::KeyId;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The format this version writes, and the newest it reads.
///
/// 1 had no write-ahead log: whoever knows no other format must not open a folder that has one. Older formats are
/// brought to this one by the steps in `upgrade`.
///
/// 2 knew no key, and no events of which only their place in the chain is left.
pub(crate) const STORE_FORMAT: u32 = 4;
const UPGRADING: &str = "upgrading from ";
/// How long a lock that a process left behind may be held by what it was just starting when it ended.
const LEFT_BEHIND_MAX: Duration = Duration::from_secs(2);
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// Holds the folder until it is dropped.
#[derive(Debug)]
pub(crate) struct FolderLock(File);

impl Drop for FolderLock {
    /// Closing the file would not do: a process that is being started has all files of its parent up to the moment when
    /// it becomes another program, and the lock with them. To unlock it takes it from all of them.
    fn drop(&mut self) {
        if let Err(error) = flock(&self.0, FlockOperation::Unlock) {
            tracing::warn!(
                error = error.to_string(),
                "a data folder's lock is kept until the file is closed everywhere"
            );
        }
    }
}

/// What the format file says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FormatNote {
    pub(crate) format: u32,
    pub(crate) store: String,
    /// The key that it is encrypted with.
    pub(crate) key: Option<KeyId>,
    /// The step to this format is under way, from that one.
    pub(crate) upgrading_from: Option<u32>,
}

impl FormatNote {
    pub(crate) fn newest(store: &str, vault: &Vault) -> Self {
        let key = vault.key().map(StoreKey::id);
        Self { format: STORE_FORMAT, store: store.to_owned(), key, upgrading_from: None }
    }

    /// The format from which steps are still to be made, if there are any.
    pub(crate) fn outdated(&self) -> Option<u32> {
        self.upgrading_from.or_else(|| Some(self.format).filter(|format| *format < STORE_FORMAT))
    }
}

/// Takes the folder for this store, making it if there is none.
pub(crate) fn lock(folder: &Path) -> Result<FolderLock, StoreError> {
    let failed = |e| StoreError::io(format!("use the data folder {}", folder.display()), e);
    std::fs::create_dir_all(folder).map_err(failed)?;
    let mut options = OpenOptions::new();
    let mut file =
        options.create(true).truncate(false).read(true).write(true).open(folder.join(LOCK_FILE)).map_err(failed)?;
    if let Err(pid) = wait_for_lock(&mut file) {
        return Err(StoreError::InUse { folder: folder.to_owned(), pid });
    }
    let lock = FolderLock(file);
    let mut file = &lock.0;
    file.set_len(0).and_then(|()| file.rewind()).map_err(failed)?;
    writeln!(file, "{}", std::process::id()).map_err(failed)?;
    Ok(lock)
}

/// Takes the lock, or says which process has it. Where that one is gone, a process that it was just starting has it for
/// a moment more.
fn wait_for_lock(file: &mut File) -> Result<(), String> {
    let until = Instant::now() + LEFT_BEHIND_MAX;
    loop {
        if flock(&*file, FlockOperation::NonBlockingLockExclusive).is_ok() {
            return Ok(());
        }
        let holder = holder(file);
        if holder.is_some_and(is_alive) || Instant::now() >= until {
            return Err(holder.map_or_else(|| "unknown".to_owned(), |pid| pid.as_raw_nonzero().to_string()));
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Who wrote itself down as the lock's holder.
fn holder(file: &mut File) -> Option<Pid> {
    let mut pid = String::new();
    file.rewind().and_then(|()| file.read_to_string(&mut pid)).ok()?;
    Pid::from_raw(pid.trim().parse().ok()?)
}

/// A process of another user is alive, too, though it may not be asked.
fn is_alive(pid: Pid) -> bool {
    test_kill_process(pid) != Err(Errno::SRCH)
}

/// Whether a file of this name only guards a store and says nothing.
pub(crate) fn is_a_lock(name: &str) -> bool {
    [LOCK_FILE, READERS_FILE].contains(&name)
}

/// Refuses a folder in which a restore did not come to its end.
pub(crate) fn refuse_unfinished(folder: &Path) -> Result<(), StoreError> {
    if folder.join(RESTORING).exists() {
        let (doing, then) = ("a restore into", "run it again");
        return Err(StoreError::Unfinished { doing, then, folder: folder.to_owned() });
    }
    Ok(())
}

/// Refuses a folder whose new store is not in its place yet, for whoever may not put it there.
pub(crate) fn refuse_rekeyed(folder: &Path) -> Result<(), StoreError> {
    if folder.join(REKEYED).exists() {
        let (doing, then) = ("a change of the key of", "run it again");
        return Err(StoreError::Unfinished { doing, then, folder: folder.to_owned() });
    }
    Ok(())
}

/// The format that a store lies in. One that is being upgraded lies in none, and is nothing for who only reads it.
pub(crate) fn format_of(folder: &Path) -> Result<u32, StoreError> {
    match read_format(folder)? {
        Some(FormatNote { upgrading_from: Some(_), .. }) => Err(not_upgraded(folder)),
        Some(note) => Ok(note.format),
        None => Ok(STORE_FORMAT),
    }
}

/// The refusal of a store that lies in no form that can be read yet.
fn not_upgraded(folder: &Path) -> StoreError {
    let (doing, then) = ("an upgrade of", "start the daemon on it, which brings it there");
    StoreError::Unfinished { doing, then, folder: folder.to_owned() }
}

/// The keyspaces of a store that is only read. Those that came later are missing in one of an older format.
pub(crate) fn tables_of(folder: &Path, beside: Beside, vault: Vault, format: u32) -> Result<Disk, StoreError> {
    let tables = beside.tables(vault);
    tables.map_err(|error| if format < STORE_FORMAT { not_upgraded(folder) } else { error })
}

/// Removes a folder in which something was being made, if it is there.
pub(crate) fn remove_draft(draft: &Path) -> Result<(), StoreError> {
    match std::fs::remove_dir_all(draft) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(StoreError::io(format!("remove {}", draft.display()), error))
        }
        _ => Ok(()),
    }
}

/// Syncs a folder's entries.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|e| StoreError::io(format!("sync the folder {}", folder.display()), e))
}

/// Moves those of these files that are there into a folder of its own beside them.
pub(crate) fn put_aside(folder: &Path, names: &[&str]) -> Result<Option<PathBuf>, StoreError> {
    let mut there = names.iter().filter(|name| folder.join(name).exists()).peekable();
    if there.peek().is_none() {
        return Ok(None);
    }
    let aside = (1..u32::MAX).map(|n| folder.join(format!("replaced-{n}"))).find(|path| !path.exists());
    let aside = aside.unwrap_or_else(|| folder.join("replaced"));
    let failed = |e| StoreError::io(format!("put the store aside in {}", aside.display()), e);
    std::fs::create_dir(&aside).map_err(failed)?;
    for name in there {
        std::fs::rename(folder.join(name), aside.join(name)).map_err(failed)?;
    }
    sync_folder(&aside)?;
    sync_folder(folder)?;
    Ok(Some(aside))
}

/// Reads the format file; refuses a format newer than ours before anything else is touched.
pub(crate) fn read_format(folder: &Path) -> Result<Option<FormatNote>, StoreError> {
    let path = folder.join(FORMAT_FILE);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StoreError::io(format!("read {}", path.display()), error)),
    };
    let note = parse(&text).ok_or_else(|| StoreError::damaged(format!("the file {}", path.display())))?;
    if note.format > STORE_FORMAT {
        return Err(StoreError::Newer { folder: folder.to_owned(), found: note.format, known: STORE_FORMAT });
    }
    Ok(Some(note))
}

fn parse(text: &str) -> Option<FormatNote> {
    let mut lines = text.lines().peekable();
    let format = lines.next()?.strip_prefix("format ")?.parse().ok()?;
    let store = lines.next()?.strip_prefix("store ")?.to_owned();
    let key = lines.next_if(|line| line.starts_with("key ")).map(|line| parse_key(&line["key ".len()..]));
    let from = lines.next_if(|line| line.starts_with(UPGRADING)).map(|line| line[UPGRADING.len()..].parse().ok());
    let upgrading_from = match from {
        None => None,
        Some(from) => Some(from.filter(|from| (1..format).contains(from))?),
    };
    let key = key.map_or(Some(None), |key| key.map(Some))?;
    lines.next().is_none().then_some(FormatNote { format, store, key, upgrading_from })
}

pub(crate) fn parse_key(digits: &str) -> Option<KeyId> {
    let mut id = [0; size_of::<KeyId>()];
    hex::decode_to_slice(digits, &mut id).ok()?;
    Some(KeyId(id))
}

/// How the values of a folder's store lie there. A key that is missing, another one, and one where none is wanted are
/// told by name before anything is read with it.
pub(crate) fn vault(what: &str, wanted: Option<KeyId>, given: Option<&StoreKey>) -> Result<Vault, StoreError> {
    let what = what.to_owned();
    match (wanted, given) {
        (wanted, given) if wanted == given.map(StoreKey::id) => Ok(Vault::new(given.cloned())),
        (Some(wanted), None) => Err(StoreError::KeyMissing { what, wanted }),
        (Some(wanted), Some(given)) => Err(StoreError::KeyWrong { what, wanted, given: given.id() }),
        (None, _) => Err(StoreError::NotEncrypted { what }),
    }
}

/// The same of the store that lies in a folder; of one that is yet to be made, what is given.
pub(crate) fn vault_of(folder: &Path, given: Option<&StoreKey>) -> Result<Vault, StoreError> {
    match read_format(folder)? {
        None => refuse_without_format(folder).map(|()| Vault::new(given.cloned())),
        Some(note) => vault(&format!("the store in {}", folder.display()), note.key, given),
    }
}

/// A store's folder gets its format file before anything but the map's file, so where others are it was lost. In which
/// format the store lies nobody can tell, so it is not served as if it were the newest.
fn refuse_without_format(folder: &Path) -> Result<(), StoreError> {
    let others = STORE_FILES.iter().filter(|name| ![DATA_FILE, FORMAT_FILE].contains(*name));
    let there: Vec<&str> = others.copied().filter(|name| folder.join(name).exists()).collect();
    if there.is_empty() { Ok(()) } else { Err(formatless(folder, there.join(", "))) }
}

pub(crate) fn formatless(folder: &Path, by: String) -> StoreError {
    StoreError::Formatless { folder: folder.to_owned(), by }
}

/// Writes the format file and syncs it together with the folder's entries.
pub(crate) fn write_format(folder: &Path, note: &FormatNote) -> Result<(), StoreError> {
    let FormatNote { format, store, key, upgrading_from } = note;
    let write = || -> std::io::Result<()> {
        let draft = folder.join(format!("{FORMAT_FILE}.new"));
        let mut file = File::create(&draft)?;
        write!(file, "format {format}\nstore {store}\n")?;
        if let Some(key) = key {
            writeln!(file, "key {key}")?;
        }
        if let Some(from) = upgrading_from {
            writeln!(file, "{UPGRADING}{from}")?;
        }
        file.sync_all()?;
        std::fs::rename(&draft, folder.join(FORMAT_FILE))?;
        File::open(folder)?.sync_all()
    };
    write().map_err(|e| StoreError::io(format!("write {FORMAT_FILE} in {}", folder.display()), e))
}

/// Thirty-two hexadecimal digits that no other store has.
pub(crate) fn new_store_id() -> Result<String, StoreError> {
    let mut bytes = [0; 16];
    let read = File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes));
    read.map_err(|e| StoreError::io("draw a store id", e))?;
    Ok(hex::encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a process has it that is started and has not yet become another program.
    #[test]
    fn a_lock_that_was_dropped_is_free_though_its_file_is_open_elsewhere() {
        let folder = tempfile::TempDir::new().expect("folder");
        let held = lock(folder.path()).expect("the lock");
        let elsewhere = held.0.try_clone().expect("the same open file");
        drop(held);
        lock(folder.path()).expect("the lock again");
        drop(elsewhere);
    }

    #[test]
    fn a_lock_left_behind_by_a_process_that_is_gone_is_waited_for() {
        let folder = tempfile::TempDir::new().expect("folder");
        let held = lock(folder.path()).expect("the lock");
        let mut gone = std::process::Command::new("true").spawn().expect("a process");
        gone.wait().expect("its end");
        std::fs::write(folder.path().join(LOCK_FILE), format!("{}\n", gone.id())).expect("its name");
        let free = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(50));
            drop(held);
        });
        lock(folder.path()).expect("the lock again");
        free.join().expect("freed");
    }

    #[test]
    fn a_format_file_is_read_as_it_was_written_and_nothing_else_is() {
        let folder = tempfile::TempDir::new().expect("folder");
        for (upgrading_from, key) in
            [(None, None), (Some(1), None), (None, Some(KeyId([1, 2, 3, 250]))), (Some(2), Some(KeyId([0; 4])))]
        {
            let note = FormatNote { key, upgrading_from, ..FormatNote::newest("0123", &Vault::default()) };
            write_format(folder.path(), &note).expect("written");
            assert_eq!(read_format(folder.path()).expect("read"), Some(note));
        }
        for wrong in [
            "",
            "format x\nstore a\n",
            "format 2\n",
            "format 2\nstore a\nupgrading from 2\n",
            "format 2\nstore a\nhm\n",
            "format 2\nstore a\nkey 0\n",
        ] {
            assert_eq!(parse(wrong), None, "{wrong:?}");
        }
    }
}
