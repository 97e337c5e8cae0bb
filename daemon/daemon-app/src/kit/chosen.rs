//! Which tests of which plugins.

use crate::exit::Failure;
use anyhow::anyhow;
use checker_cli::{LoadError, Suite};
use contract_graph::PluginView;
use std::path::{Path, PathBuf};

/// A suite, and of the plugins that are meant the files with tests.
pub(super) struct Chosen {
    pub(super) suite: Suite,
    /// By slug, in the order of folders.
    pub(super) files: Vec<(String, Vec<String>)>,
}

impl Chosen {
    /// The tests of a suite's folder, or of the folder of one of its plugins.
    pub(super) fn find(folder: &Path) -> Result<Self, Failure> {
        let (root, only) = root(folder);
        let suite = checker_cli::load_suite(&root).map_err(|error| match error {
            LoadError::NotAFolder(_) | LoadError::Empty(_) => Failure::usage(error),
            other => other.into(),
        })?;
        let meant = |view: &PluginView<'_>| only.as_ref().is_none_or(|only| root.join(&view.parsed.folder) == *only);
        let files = suite.views().filter(meant).map(|view| (view.slug().to_owned(), files(view))).collect();
        let chosen = Self { suite, files };
        if let Some(view) = chosen.suite.views().find(|view| view.manifest().is_none()) {
            let place = view.path("plugin.yaml");
            return Err(anyhow!("{place} cannot be read; `trunkline check {}` says why", root.display()).into());
        }
        if chosen.files.is_empty() {
            let (folder, root) = (folder.display(), root.display());
            return Err(Failure::usage(anyhow!(
                "`{folder}` is no plugin of the suite in `{root}`; name it in suite.yaml"
            )));
        }
        Ok(chosen)
    }
}

/// The suite that a folder is, or lies in; with the folder where it is one plugin of it.
fn root(folder: &Path) -> (PathBuf, Option<PathBuf>) {
    let Ok(resolved) = folder.canonicalize() else { return (folder.to_owned(), None) };
    if !resolved.join("plugin.yaml").is_file() || resolved.join("suite.yaml").is_file() {
        return (folder.to_owned(), None);
    }
    match resolved.ancestors().skip(1).find(|above| above.join("suite.yaml").is_file()) {
        Some(suite) => (suite.to_owned(), Some(resolved.clone())),
        None => match resolved.parent().filter(|above| has_others(above, &resolved)) {
            Some(suite) => (suite.to_owned(), Some(resolved.clone())),
            None => (folder.to_owned(), None),
        },
    }
}

/// Whether other plugins lie beside one: together they are a suite, also without a suite.yaml.
fn has_others(suite: &Path, own: &Path) -> bool {
    let entries = std::fs::read_dir(suite).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).any(|other| other != own && other.join("plugin.yaml").is_file())
}

/// The files with tests, sorted.
fn files(view: PluginView<'_>) -> Vec<String> {
    let is_test = |path: &&String| {
        let ends = [".test.js", ".test.ts", ".test.mjs"].iter().any(|ending| path.ends_with(ending));
        ends && path.starts_with("tests/")
    };
    view.parsed.texts.keys().filter(is_test).cloned().collect()
}
