//! A suite in memory, and the checker's word on it.

use checker_cli::{Against, Options, Report, Suite};
use contract_parse::{ParsedPlugin, PluginSource, SourceFile, parse_plugin, parse_suite_manifest};
use jiff::civil::{Date, date};
use std::collections::BTreeMap;
use std::path::Path;

/// The day that every judgement of this crate is made on.
pub const TODAY: Date = date(2026, 11, 21);
const ENDINGS: [&str; 6] = ["yaml", "yml", "json", "js", "mjs", "ts"];

/// Every text of a suite by its path, relative to the suite with forward slashes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Texts(pub BTreeMap<String, String>);

impl Texts {
    /// Reads a suite's folder.
    #[must_use]
    pub fn read(folder: &Path) -> Self {
        let mut texts = Self::default();
        texts.add(folder, "");
        texts
    }

    fn add(&mut self, folder: &Path, below: &str) {
        for entry in std::fs::read_dir(folder).expect("the suite's folder").flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if below.is_empty() { name } else { format!("{below}/{name}") };
            if entry.path().is_dir() {
                self.add(&entry.path(), &path);
            } else if ENDINGS.iter().any(|ending| path.ends_with(&format!(".{ending}"))) {
                let text = std::fs::read_to_string(entry.path()).expect("a text of the suite");
                self.0.insert(path, text);
            }
        }
    }

    /// The text of a file that is there.
    #[must_use]
    pub fn text(&self, path: &str) -> &str {
        self.0.get(path).unwrap_or_else(|| panic!("the suite has no {path}"))
    }

    /// The plugins that suite.yaml names, else every folder with a plugin.yaml; sorted.
    #[must_use]
    pub fn folders(&self) -> Vec<String> {
        let named = self.0.get("suite.yaml").and_then(|text| parse_suite_manifest("suite.yaml", text).0.plugins);
        let mut folders: Vec<String> = match named {
            Some(folders) => folders.into_iter().map(|folder| folder.value).collect(),
            None => self.0.keys().filter_map(|path| path.strip_suffix("/plugin.yaml")).map(str::to_owned).collect(),
        };
        folders.sort();
        folders
    }

    /// Parses one plugin, its files in the order given or reversed.
    #[must_use]
    pub fn plugin(&self, folder: &str, reversed: bool) -> ParsedPlugin {
        let mut source = self.source(folder);
        if reversed {
            source.files.reverse();
        }
        parse_plugin(&source)
    }

    /// The files of one plugin.
    #[must_use]
    pub fn source(&self, folder: &str) -> PluginSource {
        let below = format!("{folder}/");
        let files = self.0.iter().filter_map(|(path, text)| {
            let path = path.strip_prefix(&below)?.to_owned();
            Some(SourceFile { path, text: text.clone() })
        });
        PluginSource { folder: folder.to_owned(), files: files.collect() }
    }

    /// Parses the suite. `known` gives plugins that need no second look.
    #[must_use]
    pub fn suite(&self, known: impl Fn(&str) -> Option<ParsedPlugin>) -> Suite {
        let parse = |folder: &String| known(folder).unwrap_or_else(|| self.plugin(folder, false));
        let mut suite = Suite { plugins: self.folders().iter().map(parse).collect(), ..Suite::default() };
        if let Some(text) = self.0.get("suite.yaml") {
            (suite.manifest, suite.problems) = parse_suite_manifest("suite.yaml", text);
            suite.manifest_text = Some(text.clone());
            let catalog = suite.manifest.catalog.as_ref();
            suite.catalog_text = catalog.and_then(|file| self.0.get(&file.value)).cloned();
        }
        suite
    }
}

/// Judges a suite as `check --strict` does.
#[must_use]
pub fn judge(suite: &Suite) -> Report {
    judge_against(suite, None)
}

/// Judges a suite and what became of it since a base.
#[must_use]
pub fn judge_against(suite: &Suite, base: Option<&Suite>) -> Report {
    let against = Against { base, ..Against::default() };
    checker_cli::check_against(suite, &against, &Options { strict: true, ..Options::on(TODAY) })
}
