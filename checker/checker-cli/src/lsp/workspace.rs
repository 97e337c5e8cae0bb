//! The suites that an editor has files of, with what it has not saved yet.

use super::findings;
use super::suite::OpenSuite;
use super::text::path_of;
use crate::live::LiveSuite;
use checker_rules::Options;
use lsp_types::{
    DidChangeTextDocumentParams, DidChangeWatchedFilesParams, DidCloseTextDocumentParams, DidOpenTextDocumentParams,
    DidSaveTextDocumentParams, PublishDiagnosticsParams, Uri,
};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What the editor works on.
pub(super) struct Workspace {
    /// The suite of all files, where the command line names one.
    given: Option<PathBuf>,
    strict: bool,
    /// By their folders.
    suites: BTreeMap<PathBuf, OpenSuite>,
    /// Texts of open files, as the editor shows them.
    texts: BTreeMap<PathBuf, String>,
    complaints: Vec<String>,
}

/// A file of a suite.
pub(super) struct Opened<'w> {
    /// The suite.
    pub(super) suite: &'w OpenSuite,
    /// Its path relative to the suite, with forward slashes.
    pub(super) file: String,
    /// Its text, unsaved changes included.
    pub(super) text: &'w str,
}

impl Workspace {
    pub(super) fn new(given: Option<PathBuf>, strict: bool) -> Self {
        Self { given, strict, suites: BTreeMap::new(), texts: BTreeMap::new(), complaints: Vec::new() }
    }

    pub(super) fn open(&mut self, it: DidOpenTextDocumentParams) {
        let Some(path) = real(&it.text_document.uri) else { return };
        self.find_suite(&path);
        self.edit(path, Some(it.text_document.text));
    }

    pub(super) fn change(&mut self, it: DidChangeTextDocumentParams) {
        let text = it.content_changes.into_iter().next_back().map(|change| change.text);
        if let (Some(path), Some(text)) = (real(&it.text_document.uri), text) {
            self.edit(path, Some(text));
        }
    }

    pub(super) fn save(&mut self, it: &DidSaveTextDocumentParams) {
        if let Some(path) = real(&it.text_document.uri) {
            self.touch(&path);
        }
    }

    /// What was not saved is gone.
    pub(super) fn close(&mut self, it: &DidCloseTextDocumentParams) {
        if let Some(path) = real(&it.text_document.uri) {
            self.edit(path, None);
        }
    }

    pub(super) fn changed_outside(&mut self, it: &DidChangeWatchedFilesParams) {
        for path in it.changes.iter().filter_map(|change| real(&change.uri)) {
            self.touch(&path);
        }
    }

    /// Judges every suite that has changed, and gives what its files show now.
    pub(super) fn news(&mut self) -> Vec<PublishDiagnosticsParams> {
        let options = Options { strict: self.strict, ..Options::on(crate::today()) };
        let mut news = Vec::new();
        for suite in self.suites.values_mut() {
            let changed = std::mem::take(&mut suite.changed);
            match suite.live.refresh(&changed) {
                Ok(false) if suite.report.is_some() => continue,
                Ok(_) => {}
                Err(error) => {
                    self.complaints.push(error.to_string());
                    continue;
                }
            }
            suite.report = Some(suite.live.check(&options));
            let mut files = findings::by_file(suite);
            for gone in &suite.shown {
                files.entry(gone.clone()).or_default();
            }
            suite.shown = files.iter().filter(|(_, found)| !found.is_empty()).map(|(file, _)| file.clone()).collect();
            news.extend(files.into_iter().filter_map(|(file, diagnostics)| {
                Some(PublishDiagnosticsParams { uri: suite.uri(&file)?, diagnostics, version: None })
            }));
        }
        news
    }

    /// What could not be done since the last time.
    pub(super) fn complaints(&mut self) -> Vec<String> {
        std::mem::take(&mut self.complaints)
    }

    /// A file that the editor has open, and that belongs to a suite.
    pub(super) fn opened(&self, uri: &Uri) -> Option<Opened<'_>> {
        let path = real(uri)?;
        let text = self.texts.get(&path)?;
        let (suite, within) = self.suite_of(&path)?;
        Some(Opened { suite, file: slashed(&within), text })
    }

    fn suite_of(&self, path: &Path) -> Option<(&OpenSuite, PathBuf)> {
        let holds = |(folder, suite)| Some((suite, path.strip_prefix::<&PathBuf>(folder).ok()?.to_owned()));
        // The innermost one, where suites lie in each other.
        self.suites.iter().rev().find_map(holds)
    }

    fn find_suite(&mut self, path: &Path) {
        if self.suite_of(path).is_some() {
            return;
        }
        let Some(folder) = self.given.clone().filter(|given| path.starts_with(given)).or_else(|| suite_above(path))
        else {
            return;
        };
        match LiveSuite::load(&folder) {
            Ok(live) => drop(self.suites.insert(folder.clone(), OpenSuite::new(folder, live))),
            Err(error) => self.complaints.push(error.to_string()),
        }
    }

    fn edit(&mut self, path: PathBuf, text: Option<String>) {
        for (folder, suite) in &mut self.suites {
            if let Ok(within) = path.strip_prefix(folder) {
                suite.live.overlay(within, text.clone());
            }
        }
        self.touch(&path);
        match text {
            Some(text) => drop(self.texts.insert(path, text)),
            None => drop(self.texts.remove(&path)),
        }
    }

    fn touch(&mut self, path: &Path) {
        for (folder, suite) in &mut self.suites {
            suite.changed.extend(path.strip_prefix(folder).ok().map(Path::to_owned));
        }
    }
}

/// The file that a URI names, links resolved where it exists.
fn real(uri: &Uri) -> Option<PathBuf> {
    let path = path_of(uri)?;
    Some(path.canonicalize().unwrap_or(path))
}

/// The nearest folder above a file that holds a suite.yaml, else the folder around its plugin.
fn suite_above(path: &Path) -> Option<PathBuf> {
    let above = || path.ancestors().skip(1);
    let suite = above().find(|folder| folder.join("suite.yaml").is_file());
    let plugin = || above().find(|folder| folder.join("plugin.yaml").is_file())?.parent();
    suite.or_else(plugin).map(Path::to_owned)
}

fn slashed(path: &Path) -> String {
    path.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
}
