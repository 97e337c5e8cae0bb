//! The suite as it was: in another folder, or at a revision of git.

use crate::load::{LoadError, load_suite_with};
use contract_graph::Suite;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Where a state of a suite is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// `git:REV`: the suite's folder as it was at a revision.
    Git(String),
    /// A folder.
    Folder(PathBuf),
}

/// Why a state of a suite cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The folder is no suite.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// Git is not there.
    #[error("`git` cannot be started: {0}; install it, or name a folder instead of git:REV")]
    NoGit(io::Error),
    /// The suite is not under version control.
    #[error("`{}` is in no git repository ({why}); name a folder instead of git:REV", folder.display())]
    NoRepository {
        /// The suite.
        folder: PathBuf,
        /// Git's own words.
        why: String,
    },
    /// The revision does not exist.
    #[error(
        "the repository of `{}` has no revision `{revision}`; fetch it first (a shallow clone of a pipeline has only \
         the newest one), or correct the name",
        folder.display()
    )]
    NoRevision {
        /// The suite.
        folder: PathBuf,
        /// The revision as written.
        revision: String,
    },
    /// Git refused.
    #[error("git cannot give `{revision}`: {why}")]
    Failed {
        /// The revision as written.
        revision: String,
        /// Git's own words.
        why: String,
    },
    /// There is no room for what git gives.
    #[error("no temporary folder can be made: {0}")]
    NoRoom(io::Error),
}

/// Reads `git:REV` or a folder.
pub(crate) fn parse_state(text: &str) -> Result<State, String> {
    match text.strip_prefix("git:") {
        Some("") => Err("`git:` names no revision; write for example git:origin/main".to_owned()),
        Some(revision) => Ok(State::Git(revision.to_owned())),
        None => Ok(State::Folder(PathBuf::from(text))),
    }
}

/// Reads a state of the suite in `suite`. A suite that was not there yet at a revision is one without plugins: then
/// everything is new.
pub fn load_state(state: &State, suite: &Path, threads: Option<usize>) -> Result<Suite, StateError> {
    match state {
        State::Folder(folder) => Ok(load_suite_with(folder, threads)?),
        State::Git(revision) => at_revision(revision, suite, threads),
    }
}

fn at_revision(revision: &str, suite: &Path, threads: Option<usize>) -> Result<Suite, StateError> {
    if !suite.is_dir() {
        return Err(LoadError::NotAFolder(suite.to_owned()).into());
    }
    let (top, prefix) = repository(suite)?;
    let failed = |why: &Output| StateError::Failed { revision: revision.to_owned(), why: said(why) };
    let commit = format!("{revision}^{{commit}}");
    let commit = git(&top, ["rev-parse", "--verify", "--quiet", "--end-of-options", &commit])?;
    if !commit.status.success() {
        return Err(StateError::NoRevision { folder: suite.to_owned(), revision: revision.to_owned() });
    }
    let tree = format!("{}:{prefix}", line(&commit));
    let tree = git(&top, ["rev-parse", "--verify", "--quiet", &tree])?;
    if !tree.status.success() {
        return Ok(Suite::default());
    }
    let room = tempfile::tempdir().map_err(StateError::NoRoom)?;
    let folder = room.path().join("suite");
    std::fs::create_dir(&folder).map_err(StateError::NoRoom)?;
    // An index of its own, so that nothing of the working copy is touched.
    let index = room.path().join("index");
    let into = format!("--prefix={}/", folder.display());
    for arguments in [vec!["read-tree", &line(&tree)], vec!["checkout-index", "--all", "--quiet", &into]] {
        let output = run(Command::new("git").arg("-C").arg(&top).args(arguments).env("GIT_INDEX_FILE", &index))?;
        if !output.status.success() {
            return Err(failed(&output));
        }
    }
    match load_suite_with(&folder, threads) {
        Err(LoadError::Empty(_) | LoadError::NoneListed(_)) => Ok(Suite::default()),
        loaded => Ok(loaded?),
    }
}

/// The top folder of the repository, and the suite's path in it without a closing slash.
fn repository(suite: &Path) -> Result<(PathBuf, String), StateError> {
    let output = git(suite, ["rev-parse", "--show-toplevel", "--show-prefix"])?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut lines = text.lines();
    match lines.next() {
        Some(top) if output.status.success() => {
            Ok((PathBuf::from(top), lines.next().unwrap_or_default().trim_end_matches('/').to_owned()))
        }
        _ => Err(StateError::NoRepository { folder: suite.to_owned(), why: said(&output) }),
    }
}

fn git<A: AsRef<OsStr>>(folder: &Path, arguments: impl IntoIterator<Item = A>) -> Result<Output, StateError> {
    run(Command::new("git").arg("-C").arg(folder).args(arguments))
}

fn run(command: &mut Command) -> Result<Output, StateError> {
    command.env("LC_ALL", "C").output().map_err(StateError::NoGit)
}

fn line(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// The first line of what git complained about.
fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let first = text.lines().next().unwrap_or("it says nothing").trim_start_matches("fatal: ");
    first.to_owned()
}
