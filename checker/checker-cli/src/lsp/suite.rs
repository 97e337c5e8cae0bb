//! One suite of which an editor has files open.

use super::text::uri_of;
use crate::live::LiveSuite;
use checker_report::Report;
use lsp_types::Uri;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// One suite, as the editor shows it.
pub(super) struct OpenSuite {
    /// Its folder.
    pub(super) folder: PathBuf,
    /// Its plugins.
    pub(super) live: LiveSuite,
    /// What was found last; none before it is judged for the first time.
    pub(super) report: Option<Report>,
    /// Paths that have changed since, relative to the folder.
    pub(super) changed: BTreeSet<PathBuf>,
    /// Files whose findings the editor shows.
    pub(super) shown: BTreeSet<String>,
}

impl OpenSuite {
    pub(super) fn new(folder: PathBuf, live: LiveSuite) -> Self {
        Self { folder, live, report: None, changed: BTreeSet::new(), shown: BTreeSet::new() }
    }

    /// The URI of one of its files.
    pub(super) fn uri(&self, file: &str) -> Option<Uri> {
        uri_of(&self.folder.join(file))
    }
}
