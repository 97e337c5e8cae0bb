//! A suite that follows its folder.

use crate::load::{LoadError, Overlays, is_text, load_suite, load_suite_over, load_suite_recalling, read_plugin_over};
use checker_report::Report;
use checker_rules::{Memory, Options, check_again};
use contract_graph::{Moved, Suite};
use contract_parse::{Analyses, ParsedPlugin};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A suite in memory of which only the plugins with changed files are read again.
pub struct LiveSuite {
    folder: PathBuf,
    suite: Suite,
    /// Texts that stand in the place of files, by path relative to the suite.
    overlays: Overlays,
    /// What is known of the suite as it was last read.
    memory: Memory,
}

impl LiveSuite {
    /// Reads the suite in a folder.
    pub fn load(folder: &Path) -> Result<Self, LoadError> {
        Ok(Self::of(folder, load_suite(folder)?))
    }

    /// The same, without analysing again what is remembered of a plugin.
    pub fn load_recalling(folder: &Path, analyses: &dyn Analyses) -> Result<Self, LoadError> {
        Ok(Self::of(folder, load_suite_recalling(folder, analyses)?))
    }

    fn of(folder: &Path, suite: Suite) -> Self {
        Self { folder: folder.to_owned(), suite, overlays: Overlays::new(), memory: Memory::default() }
    }

    /// The suite as it was last read.
    pub fn suite(&self) -> &Suite {
        &self.suite
    }

    /// Takes a text for what a file holds, such as one that is not saved yet; none for what it does hold. It counts from
    /// the next refresh that names the path.
    pub fn overlay(&mut self, path: &Path, text: Option<String>) {
        match text {
            Some(text) => drop(self.overlays.insert(path.to_owned(), text)),
            None => drop(self.overlays.remove(path)),
        }
    }

    /// What [`check`](checker_rules::check) says of the suite as it was last read. Rules that look at plugins alone are
    /// asked of those that were read again; rules that see nothing but the wiring, once that is another.
    pub fn check(&mut self, options: &Options) -> Report {
        check_again(&self.suite, options, &mut self.memory)
    }

    /// Reads again what these paths, relative to the suite, belong to. False where they belong to nothing that is
    /// read. A change that may bring or take a plugin reads the whole suite.
    pub fn refresh(&mut self, changed: &BTreeSet<PathBuf>) -> Result<bool, LoadError> {
        let relevant: Vec<&PathBuf> = changed.iter().filter(|path| is_relevant(path)).collect();
        if relevant.is_empty() {
            return Ok(false);
        }
        let owners: Option<BTreeSet<usize>> = relevant.iter().map(|path| self.owner(path)).collect();
        if let Some(plugins) = owners {
            for index in plugins {
                let folder = &self.suite.plugins[index].folder;
                self.replace(index, read_plugin_over(&self.folder, folder, &self.overlays));
            }
        } else {
            self.suite = load_suite_over(&self.folder, &self.overlays)?;
            self.memory.forget();
        }
        Ok(true)
    }

    fn replace(&mut self, index: usize, plugin: ParsedPlugin) {
        let moved = Moved::between(&self.suite.plugins[index], &plugin);
        self.memory.read_again(index, moved.as_ref());
        self.suite.plugins[index] = plugin;
    }

    /// The plugin that a path lies in. None for suite.yaml, for what lies in no plugin, and where the plugin has come or
    /// gone with its manifest.
    fn owner(&self, path: &Path) -> Option<usize> {
        let is_in = |plugin: &ParsedPlugin| path.starts_with(&plugin.folder) && path != Path::new("suite.yaml");
        let index = self.suite.plugins.iter().position(is_in)?;
        let manifest = self.folder.join(&self.suite.plugins[index].folder).join("plugin.yaml");
        manifest.is_file().then_some(index)
    }
}

/// Texts of a suite, and folders, which come and go as one.
fn is_relevant(path: &Path) -> bool {
    let hidden = |part: &std::ffi::OsStr| part.to_string_lossy().starts_with('.') || part == "node_modules";
    !path.iter().any(hidden) && (is_text(path) || path.extension().is_none())
}
