//! Where the data is kept.

use crate::exit::Failure;
use anyhow::{Context, anyhow};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The data folder of one run.
pub(super) enum DataFolder {
    /// It stays.
    Kept(PathBuf),
    /// It goes with the run.
    Ephemeral(TempDir),
}

impl DataFolder {
    /// Makes the folder: the one given, a temporary one, or `.trunkline/<suite>` in the current folder.
    pub(super) fn prepare(given: Option<&Path>, ephemeral: bool, suite: &str) -> Result<Self, Failure> {
        if ephemeral {
            let made = tempfile::Builder::new().prefix("trunkline-").tempdir();
            return Ok(Self::Ephemeral(made.context("make a temporary folder for the data").map_err(Failure::usage)?));
        }
        let path = Self::lasting(given, suite);
        std::fs::create_dir_all(&path).map_err(|error| {
            let why = if path.is_file() { "it is a file".to_owned() } else { error.to_string() };
            Failure::usage(anyhow!("cannot use `{}` as data folder: {why}; name another with --data", path.display()))
        })?;
        Ok(Self::Kept(path))
    }

    /// Where the data is that stays.
    pub(super) fn lasting(given: Option<&Path>, suite: &str) -> PathBuf {
        given.map_or_else(|| Path::new(".trunkline").join(suite), Path::to_owned)
    }

    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Kept(path) => path,
            Self::Ephemeral(folder) => folder.path(),
        }
    }

    pub(super) fn is_ephemeral(&self) -> bool {
        matches!(self, Self::Ephemeral(_))
    }

    /// Removes an ephemeral folder.
    pub(super) fn remove(self) {
        if let Self::Ephemeral(folder) = self
            && let Err(error) = folder.close()
        {
            tracing::warn!(%error, "the temporary data folder cannot be removed");
        }
    }

    /// Ends the process at once. The store is built for that; only the temporary folder is cleared first.
    pub(super) fn abandon(&self) -> ! {
        if let Self::Ephemeral(folder) = self {
            // Whatever cannot be removed in this moment is left to the system's temporary folder.
            let _ = std::fs::remove_dir_all(folder.path());
        }
        std::process::exit(130)
    }
}
