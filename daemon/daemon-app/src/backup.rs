//! `trunkline store backup | restore`.
//!
//! A backup is written by a process of its own (`trunkline copy-store FOLDER`), which damage may end, and comes over
//! HTTP from a running daemon or by a pipe. The file gets its name when all of it was read back.

use crate::exit::Failure;
use crate::key::KeyArgs;
use crate::landing::Place;
use crate::remote::{Client, Target};
use crate::within::WithinArgs;
use anyhow::{Context, anyhow};
use daemon_store::{StoreError, back_up, check_backup, restore};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

const COMMAND: &str = "copy-store";
const PATH: &str = "/api/_admin/store/backup";
/// What a file is called whose name was left to us ends in this.
const EXTENSION: &str = "backup";

/// Writes a backup of a folder's store to standard output, for whoever started this process.
pub(crate) fn copy(folder: &Path, key: &KeyArgs, within: WithinArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let written = back_up(folder, key.key()?.as_ref(), now_ms(), within.patience(), out);
    written.map(drop).map_err(|error| anyhow!(error.with_code()).into())
}

/// The command line that writes a backup of a store, without its folder.
pub(crate) fn command(key: &KeyArgs) -> anyhow::Result<Vec<std::ffi::OsString>> {
    let program = std::env::current_exe().context("find this program, to copy the store with it")?;
    Ok([program.into(), COMMAND.into()].into_iter().chain(key.line()).collect())
}

/// Backs up the store of a running daemon, or the one in a folder, and gives what the backup holds.
pub(crate) fn take(
    target: &Target,
    data: Option<&Path>,
    key: &KeyArgs,
    within: WithinArgs,
    to: &Path,
) -> Result<Value, Failure> {
    let place = Place::of(to)?;
    let mut draft = place.draft()?;
    if let Some(folder) = data {
        draft.take_output(&[command(key)?, within.line().to_vec()].concat(), &[folder.as_os_str()])?;
    } else {
        let received = draft.take(Client::of(target)?.download(&format!("{PATH}?within={}", within.within))?)?;
        draft.why_broken(received, |draft| check_backup(draft).map(drop))?;
    }
    let backup = check_backup(&mut draft.read_again()?)?;
    let head = &backup.head;
    let short = head.store.get(..8).unwrap_or(&head.store);
    let path = place.keep(draft, || format!("{short}-{}-{}.{EXTENSION}", head.position, head.made_ms))?;
    let mut told = serde_json::to_value(&backup).context("write what the backup holds")?;
    told["file"] = path.display().to_string().into();
    Ok(told)
}

/// Makes a data folder of a backup and gives what is in it.
pub(crate) fn put_back(backup: &Path, key: &KeyArgs, folder: &Path, replace: bool) -> Result<Value, Failure> {
    File::open(backup).map_err(|error| Failure::usage(anyhow!("open the backup {}: {error}", backup.display())))?;
    if folder.is_file() {
        let why = anyhow!("`{}` is a file, and no folder to restore into; name another with --data", folder.display());
        return Err(Failure::usage(why));
    }
    let restored = restore(backup, key.key()?.as_ref(), folder, replace).map_err(|error| match error {
        StoreError::BackupInvalid { .. } | StoreError::BrokenOff { .. } => {
            Failure::usage(anyhow!("{}: {error}", backup.display()))
        }
        StoreError::Occupied { .. }
        | StoreError::InUse { .. }
        | StoreError::KeyMissing { .. }
        | StoreError::KeyWrong { .. }
        | StoreError::NotEncrypted { .. } => Failure::usage(error),
        error => match error.io_kind() {
            Some(ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem) => {
                Failure::usage(anyhow!("{error}; name a folder with --data that this user may write to"))
            }
            Some(ErrorKind::StorageFull) => {
                anyhow!("nothing was restored: {error}; make room in {}, and run it again", folder.display()).into()
            }
            _ => error.into(),
        },
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

/// What a backup holds, in a line.
pub(crate) fn line(taken: &Value) -> String {
    let text = |name: &str| taken[name].as_str().unwrap_or_default();
    let entries: u64 =
        taken["keyspaces"].as_object().into_iter().flatten().filter_map(|(_, sum)| sum["entries"].as_u64()).sum();
    let (bytes, unit, event) = (&taken["bytes"], &taken["position"], &taken["sequence"]);
    let (file, sum) = (text("file"), text("sha256"));
    format!("{file}: {entries} entries up to unit {unit} and event {event}, {bytes} bytes, SHA-256 {sum}")
}

/// What was restored, in a line.
pub(crate) fn restored_line(restored: &Value) -> String {
    let (records, events, unit) = (&restored["records"], &restored["events"], &restored["position"]);
    let tenants = restored["tenants"].as_array().map_or(0, Vec::len);
    let folder = restored["data"].as_str().unwrap_or_default();
    let aside =
        restored["replaced"].as_str().map(|path| format!("; what was there lies in {path}")).unwrap_or_default();
    let many = if tenants == 1 { "" } else { "s" };
    format!("{folder}: {records} records and {events} events of {tenants} tenant{many}, up to unit {unit}{aside}")
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
