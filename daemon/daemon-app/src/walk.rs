//! What the daemon starts itself as to look over a store: `trunkline walk-store FOLDER`.
//!
//! Damage to the pages of the file can end the process that reads them. This process may end; the daemon may not.

use crate::exit::{self, Failure};
use crate::key::KeyArgs;
use anyhow::{Context, anyhow};
use daemon_store::{Store, StoreError, VerifyReport, verify_folder};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::setpriority_process;
use rustix::time::Timespec;
use std::future;
use std::io::{ErrorKind, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const COMMAND: &str = "walk-store";
/// How far a walk stands back behind the daemon that serves meanwhile.
const NICENESS: i32 = 10;

/// Walks the store and prints the report. What keeps the walk from its end is a finding, too; a folder that it cannot
/// begin with is none, for nothing is known of it.
///
/// Nobody hears the report once its parent has ended. A daemon that is killed again and again would leave a walk each
/// time, until they left nothing to the next one.
pub(crate) fn run(folder: &Path, key: &KeyArgs, out: &mut dyn Write) -> Result<(), Failure> {
    daemon_worker::end_with_parent().context("end with the process that asked for the walk")?;
    if !is_heard().context("see whether somebody reads the report")? {
        return Err(Failure::from(anyhow!("nobody reads the report of this walk: who asked for it has ended")));
    }
    setpriority_process(None, NICENESS).context("stand back behind the daemon")?;
    let report = match verify_folder(folder, key.key()?.as_ref()) {
        Ok(report) => report,
        Err(
            error @ (StoreError::Newer { .. }
            | StoreError::Formatless { .. }
            | StoreError::KeyMissing { .. }
            | StoreError::KeyWrong { .. }
            | StoreError::NotEncrypted { .. }
            | StoreError::Unfinished { .. }),
        ) => return Err(Failure::usage(error)),
        Err(error) if error.io_kind() == Some(ErrorKind::PermissionDenied) => {
            return Err(Failure::usage(anyhow!("{error}; look at it as a user who may read it")));
        }
        Err(other) => VerifyReport::broken_off(other.to_string()),
    };
    let text = serde_json::to_string(&report).context("write the report")?;
    Ok(writeln!(out, "{text}")?)
}

/// Whether somebody may read what is written to standard output. A parent that died before this process could ask to
/// end with it has left a pipe without a reader.
fn is_heard() -> rustix::io::Result<bool> {
    let out = std::io::stdout();
    let mut ends = [PollFd::new(&out, PollFlags::empty())];
    poll(&mut ends, Some(&Timespec::default()))?;
    Ok(!ends.iter().any(|end| end.revents().contains(PollFlags::ERR)))
}

/// The command line that walks a store, without its folder.
pub(crate) fn command(key: &KeyArgs) -> anyhow::Result<Vec<std::ffi::OsString>> {
    let program = std::env::current_exe().context("find this program, to walk the store with it")?;
    Ok([program.into(), COMMAND.into()].into_iter().chain(key.line()).collect())
}

/// Walks the store in a folder in a process of its own.
pub(crate) fn beside(folder: &Path, key: &KeyArgs) -> Result<VerifyReport, Failure> {
    let walk = started(folder, key)?.output().context("start the walk over the store")?;
    if walk.status.code() == Some(exit::USAGE.into()) {
        let said = String::from_utf8_lossy(&walk.stderr);
        return Err(Failure::usage(anyhow!("{}", said.trim().trim_start_matches("error: "))));
    }
    Ok(report(&walk)?)
}

/// Walks a store that was too large to be looked over before it was served, and ends when it is found damaged: from
/// then on nothing that it answers can be relied on. Of a sound store it never ends.
pub(crate) async fn until_damaged(store: &Store, key: &KeyArgs) -> Failure {
    if !store.is_looked_over() {
        match walked(&store.folder(), key).await {
            Ok(report) if report.is_sound() => tracing::info!(entries = report.entries, "the store is sound"),
            Ok(report) => return Failure::usage(damaged(&store.folder(), &report)),
            Err(error) => tracing::error!(%error, "the store was not walked"),
        }
    }
    future::pending().await
}

async fn walked(folder: &Path, key: &KeyArgs) -> anyhow::Result<VerifyReport> {
    let mut command = tokio::process::Command::from(started(folder, key)?);
    report(&command.kill_on_drop(true).output().await.context("start the walk over the store")?)
}

fn damaged(folder: &Path, report: &VerifyReport) -> anyhow::Error {
    let first = report.findings.first().map_or("nothing is told", String::as_str);
    let count = report.findings.len() as u64 + report.more;
    anyhow!("the store in {} is damaged ({first}; findings: {count}); restore it from a backup", folder.display())
}

fn started(folder: &Path, key: &KeyArgs) -> anyhow::Result<Command> {
    let line = command(key)?;
    let (program, args) = line.split_first().context("the walk has no command")?;
    let mut command = Command::new(program);
    command.args(args).arg(folder).stdin(Stdio::null()).stderr(Stdio::piped());
    Ok(command)
}

fn report(walk: &Output) -> anyhow::Result<VerifyReport> {
    if let Some(signal) = walk.status.signal() {
        return VerifyReport::of_signal(signal).map_err(|why| anyhow!("the walk over the store failed: {why}"));
    }
    let said = || format!("the walk over the store failed: {}", String::from_utf8_lossy(&walk.stderr).trim());
    serde_json::from_slice(&walk.stdout).with_context(said)
}
