//! What a driver meant to do, written down before it does it.
//!
//! The file outlives the daemon, so it says after a crash what was acknowledged and what stayed unknown.

use anyhow::{Context as _, Result};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// What became of an intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Sent, and no answer came. It may be stored or not.
    Unknown,
    /// Answered: it is posted.
    Acknowledged,
    /// Answered: it is not posted.
    Refused,
}

/// The log of intents, shared by the driver's threads.
pub struct Intents {
    state: Mutex<State>,
}

struct State {
    file: File,
    fates: BTreeMap<String, Fate>,
}

impl Intents {
    /// Starts a new log.
    pub fn create(path: &Path) -> Result<Self> {
        let file = File::create(path).with_context(|| format!("create {}", path.display()))?;
        Ok(Self { state: Mutex::new(State { file, fates: BTreeMap::new() }) })
    }

    /// Notes, synced, that `key` is about to be sent.
    pub fn begin(&self, key: &str) -> Result<()> {
        self.note("send", key, Fate::Unknown, true)
    }

    /// Notes how the daemon answered.
    pub fn end(&self, key: &str, fate: Fate) -> Result<()> {
        self.note(&format!("{fate:?}"), key, fate, false)
    }

    /// Every key with its fate so far.
    #[must_use]
    pub fn fates(&self) -> BTreeMap<String, Fate> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).fates.clone()
    }

    /// The keys of one fate.
    #[must_use]
    pub fn keys(&self, fate: Fate) -> Vec<String> {
        self.fates().into_iter().filter(|(_, of)| *of == fate).map(|(key, _)| key).collect()
    }

    fn note(&self, word: &str, key: &str, fate: Fate, sync: bool) -> Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(state.file, "{word} {key}").context("write the intent log")?;
        if sync {
            state.file.sync_data().context("sync the intent log")?;
        }
        state.fates.insert(key.to_owned(), fate);
        Ok(())
    }
}
