//! `trunkline store backup | restore`.
//!
//! A backup is written by a process of its own (`trunkline copy-store FOLDER`), which damage may end, and comes over
//! HTTP from a running daemon or by a pipe. It lands in a file without a name, which gets one when all of it was read
//! back: whatever happens in between, there is a whole backup or none.

use crate::exit::Failure;
use crate::remote::{Client, Target};
use anyhow::{Context, anyhow, bail};
use daemon_store::{Backup, StoreError, back_up, check_backup, restore};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, linkat, open};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{self, BufReader, Seek, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

const COMMAND: &str = "copy-store";
const PATH: &str = "/api/_admin/store/backup";
const BUFFER_BYTES: usize = 1024 * 1024;
/// What a file is called whose name was left to us ends in this.
const EXTENSION: &str = "backup";

/// Writes a backup of a folder's store to standard output, for whoever started this process.
pub(crate) fn copy(folder: &Path, out: &mut dyn Write) -> Result<(), Failure> {
    Ok(back_up(folder, now_ms(), out).map(drop)?)
}

/// The command line that writes a backup of a store, without its folder.
pub(crate) fn command() -> anyhow::Result<Vec<std::ffi::OsString>> {
    let program = std::env::current_exe().context("find this program, to copy the store with it")?;
    Ok(vec![program.into(), COMMAND.into()])
}

/// Backs up the store of a running daemon, or the one in a folder, and gives what the backup holds.
pub(crate) fn take(target: &Target, data: Option<&Path>, to: &Path) -> Result<Value, Failure> {
    let place = Place::of(to)?;
    let mut draft = place.draft()?;
    if let Some(folder) = data {
        copy_folder(folder, &mut draft.file)?;
    } else {
        let mut answer = Client::of(target)?.download(PATH)?;
        io::copy(&mut answer, &mut draft.file).context("receive the backup")?;
    }
    draft.file.sync_all().context("write the backup to disk")?;
    let backup = check(&mut draft.file)?;
    let path = place.keep(draft, &backup)?;
    let mut told = serde_json::to_value(&backup).context("write what the backup holds")?;
    told["file"] = path.display().to_string().into();
    Ok(told)
}

/// Makes a data folder of a backup and gives what is in it.
pub(crate) fn put_back(backup: &Path, folder: &Path, replace: bool) -> Result<Value, Failure> {
    let restored = restore(backup, folder, replace).map_err(|error| match error {
        StoreError::BackupInvalid { .. } => Failure::usage(anyhow!("{}: {error}", backup.display())),
        StoreError::Occupied { .. } | StoreError::InUse { .. } => Failure::usage(error),
        other => other.into(),
    })?;
    let head = &restored.backup.head;
    Ok(json!({
        "data": folder.display().to_string(),
        "store": head.store,
        "made_ms": head.made_ms,
        "format": head.format,
        "position": head.position,
        "events": restored.report.events,
        "records": restored.report.records,
        "tenants": head.chains.keys().collect::<Vec<_>>(),
        "content": restored.report.content,
        "replaced": restored.replaced.map(|path| path.display().to_string()),
    }))
}

fn copy_folder(folder: &Path, to: &mut File) -> anyhow::Result<()> {
    let line = command()?;
    let (program, args) = line.split_first().context("the copy has no command")?;
    let mut child = Command::new(program);
    let child = child.args(args).arg(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child: Child = child.spawn().context("start the copy of the store")?;
    let mut out = child.stdout.take().context("the copy has no output")?;
    io::copy(&mut out, to).context("write the backup")?;
    let ended = child.wait_with_output().context("wait for the copy")?;
    if !ended.status.success() {
        let why = String::from_utf8_lossy(&ended.stderr).trim().trim_start_matches("error: ").to_owned();
        bail!("{}", if why.is_empty() { format!("the copy ended with {}", ended.status) } else { why });
    }
    Ok(())
}

fn check(file: &mut File) -> anyhow::Result<Backup> {
    file.rewind().context("read the backup again")?;
    Ok(check_backup(&mut BufReader::with_capacity(BUFFER_BYTES, file))?)
}

/// Where a backup is to lie.
struct Place {
    folder: PathBuf,
    /// None where only the folder was named.
    name: Option<PathBuf>,
}

/// A file that has no name yet.
struct Draft {
    file: File,
    /// Of a file system on which every file has a name.
    named: Option<tempfile::TempPath>,
}

impl Place {
    fn of(to: &Path) -> Result<Self, Failure> {
        if to.is_dir() {
            return Ok(Self { folder: to.to_owned(), name: None });
        }
        let refuse = |why: String| Failure::usage(anyhow!("{}: {why}", to.display()));
        if to.exists() {
            return Err(refuse("there is such a file already, and no backup is written over another".to_owned()));
        }
        let name = to.file_name().ok_or_else(|| refuse("name a file, or a folder that is there".to_owned()))?;
        let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !folder.is_dir() {
            return Err(refuse(format!("there is no folder {}", folder.display())));
        }
        Ok(Self { folder: folder.to_owned(), name: Some(name.into()) })
    }

    fn draft(&self) -> anyhow::Result<Draft> {
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        if let Ok(file) = open(&self.folder, flags, Mode::RUSR | Mode::WUSR) {
            return Ok(Draft { file: file.into(), named: None });
        }
        let made = tempfile::Builder::new().prefix(".").suffix(".part").tempfile_in(&self.folder);
        let (file, named) = made.with_context(|| format!("write to {}", self.folder.display()))?.into_parts();
        Ok(Draft { file, named: Some(named) })
    }

    /// Gives the file its name, which must still be free.
    fn keep(&self, draft: Draft, backup: &Backup) -> anyhow::Result<PathBuf> {
        let head = &backup.head;
        let short = head.store.get(..8).unwrap_or(&head.store);
        let usual = || PathBuf::from(format!("{short}-{}-{}.{EXTENSION}", head.position, head.made_ms));
        let path = self.folder.join(self.name.clone().unwrap_or_else(usual));
        let failed = || format!("keep the backup as {}", path.display());
        if let Some(named) = draft.named {
            named.persist_noclobber(&path).with_context(failed)?;
        } else {
            let nameless = format!("/proc/self/fd/{}", draft.file.as_raw_fd());
            linkat(CWD, nameless.as_str(), CWD, &path, AtFlags::SYMLINK_FOLLOW).with_context(failed)?;
        }
        File::open(&self.folder).and_then(|folder| folder.sync_all()).with_context(failed)?;
        Ok(path)
    }
}

/// Milliseconds since 1970.
fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
