//! What changes in a folder, as it changes.

use anyhow::Context;
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// How long to wait for more after a change: editors write a file in several steps.
const SETTLE: Duration = Duration::from_millis(15);

/// A folder that is watched from the moment this is made.
pub struct Changes {
    folder: PathBuf,
    events: Receiver<notify::Result<notify::Event>>,
    _watcher: RecommendedWatcher,
}

impl Changes {
    /// Begins to watch a folder and all below it. The path must be absolute and without links, as
    /// [`Path::canonicalize`] gives it.
    pub fn of(folder: &Path) -> anyhow::Result<Self> {
        let (send, events) = channel();
        let mut watcher = notify::recommended_watcher(send).context("cannot watch files")?;
        let place = || format!("cannot watch `{}`", folder.display());
        watcher.watch(folder, RecursiveMode::Recursive).with_context(place)?;
        Ok(Self { folder: folder.to_owned(), events, _watcher: watcher })
    }

    /// Waits for changes and gives their paths, relative to the folder; none when there is nothing left to watch.
    pub fn next(&self) -> Option<BTreeSet<PathBuf>> {
        let mut paths = BTreeSet::new();
        loop {
            let event = if paths.is_empty() {
                self.events.recv().ok()?
            } else {
                match self.events.recv_timeout(SETTLE) {
                    Ok(event) => event,
                    Err(RecvTimeoutError::Timeout) => return Some(paths),
                    Err(RecvTimeoutError::Disconnected) => return None,
                }
            };
            let Ok(event) = event else { continue };
            if matches!(event.kind, EventKind::Access(_)) {
                continue;
            }
            let within = event.paths.iter().filter_map(|path| path.strip_prefix(&self.folder).ok());
            paths.extend(within.map(Path::to_owned));
        }
    }
}
