//! The suite that a command with another subject is about.

use std::path::{Path, PathBuf};

/// The suite's folder, after the subject or as an option.
#[derive(Debug, Clone, clap::Args)]
pub struct SuiteFolder {
    /// The suite's folder; the current one if not given
    #[arg(value_name = "SUITE")]
    folder: Option<PathBuf>,
    /// The same as an option
    #[arg(long = "suite", value_name = "SUITE", conflicts_with = "folder")]
    option: Option<PathBuf>,
}

impl SuiteFolder {
    pub(super) fn path(&self) -> &Path {
        self.folder.as_deref().or(self.option.as_deref()).unwrap_or(Path::new("."))
    }
}
