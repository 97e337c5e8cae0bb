//! What changes in a folder, as it changes.

use anyhow::Context;
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How long to wait for more after a change: editors write a file in several steps.
const SETTLE: Duration = Duration::from_millis(15);

/// What somebody has saved.
pub struct Change {
    /// What was changed, relative to the folder.
    pub paths: BTreeSet<PathBuf>,
    /// When the first of it was.
    pub at: Instant,
}

/// A folder that is watched from the moment this is made.
pub struct Changes {
    folder: PathBuf,
    events: Receiver<(Instant, notify::Result<notify::Event>)>,
    _watcher: RecommendedWatcher,
}

impl Changes {
    /// Begins to watch a folder and all below it. The path must be absolute and without links, as
    /// [`Path::canonicalize`] gives it.
    pub fn of(folder: &Path) -> anyhow::Result<Self> {
        let (send, events) = channel();
        // The time is taken here: whoever asks for changes may be busy with those before.
        let note = move |event| drop(send.send((Instant::now(), event)));
        let mut watcher = notify::recommended_watcher(note).context("cannot watch files")?;
        let place = || format!("cannot watch `{}`", folder.display());
        watcher.watch(folder, RecursiveMode::Recursive).with_context(place)?;
        Ok(Self { folder: folder.to_owned(), events, _watcher: watcher })
    }

    /// Waits for changes; none when there is nothing left to watch.
    pub fn next(&self) -> Option<Change> {
        let mut change: Option<Change> = None;
        loop {
            let (at, event) = match change.take() {
                None => self.events.recv().ok()?,
                Some(known) => match self.events.recv_timeout(SETTLE) {
                    Ok(more) => {
                        change = Some(known);
                        more
                    }
                    Err(RecvTimeoutError::Timeout) => return Some(known),
                    Err(RecvTimeoutError::Disconnected) => return None,
                },
            };
            let Ok(event) = event else { continue };
            if matches!(event.kind, EventKind::Access(_)) {
                continue;
            }
            let within = event.paths.iter().filter_map(|path| path.strip_prefix(&self.folder).ok());
            let within: Vec<PathBuf> = within.map(Path::to_owned).collect();
            if !within.is_empty() {
                change.get_or_insert_with(|| Change { paths: BTreeSet::new(), at }).paths.extend(within);
            }
        }
    }
}
