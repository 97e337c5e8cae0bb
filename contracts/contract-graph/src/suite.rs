//! A suite as it was read: its own manifest and its plugins.

use contract_model::shape::Origin;
use contract_model::span::{Location, Span};
use contract_model::{Manifest, PluginSlug, SuiteManifest};
use contract_parse::{Fact, FactKind, Guard, ParsedPlugin, Problem, ProblemKind};

/// A suite of parsed plugins.
#[derive(Debug, Clone, Default)]
pub struct Suite {
    /// What suite.yaml says; the default where there is none.
    pub manifest: SuiteManifest,
    /// The text of suite.yaml, where there is one.
    pub manifest_text: Option<String>,
    /// The text of the file that suite.yaml names as `catalog`, where it names one that can be read.
    pub catalog_text: Option<String>,
    /// What is wrong with suite.yaml.
    pub problems: Vec<Problem>,
    /// The plugins, sorted by folder; finding a file's plugin relies on it.
    pub plugins: Vec<ParsedPlugin>,
}

/// The name of a suite's own manifest.
pub(crate) const SUITE_FILE: &str = "suite.yaml";
/// The name of a plugin's manifest.
const PLUGIN_FILE: &str = "plugin.yaml";

impl Suite {
    /// A suite of these plugins without a suite.yaml. Sorts them by folder.
    pub fn of(mut plugins: Vec<ParsedPlugin>) -> Self {
        plugins.sort_by(|a, b| a.folder.cmp(&b.folder));
        Self { plugins, ..Self::default() }
    }

    /// Every plugin, in the order of their folders.
    pub fn views(&self) -> impl Iterator<Item = PluginView<'_>> {
        self.plugins.iter().enumerate().map(|(index, parsed)| PluginView { index, parsed })
    }

    /// Whether every manifest and every module could be read. Where not, what is absent is not known to be absent.
    pub fn is_read(&self) -> bool {
        let is_read = |view: PluginView<'_>| view.manifest().is_some_and(|manifest| manifest.refused.is_empty());
        self.manifest.refused.is_empty() && self.views().all(|view| is_read(view) && view.is_complete())
    }

    /// The plugin at this index of `plugins`.
    pub fn view(&self, index: usize) -> PluginView<'_> {
        PluginView { index, parsed: &self.plugins[index] }
    }

    /// The first plugin with this slug.
    pub fn plugin(&self, slug: &str) -> Option<PluginView<'_>> {
        self.views().find(|view| view.slug() == slug)
    }

    /// A place in suite.yaml.
    pub fn at(&self, span: Span) -> Location {
        Location::of(SUITE_FILE, self.manifest_text.as_deref().unwrap_or_default(), span)
    }

    /// The text of a file, by its path relative to the suite.
    pub fn text(&self, file: &str) -> Option<&str> {
        if file == SUITE_FILE
            && let Some(text) = &self.manifest_text
        {
            return Some(text);
        }
        let folders = file.match_indices('/').rev().map(|(at, _)| &file[..at]).chain(["", "."]);
        folders.into_iter().find_map(|folder| self.in_folder(folder)?.text(file))
    }

    fn in_folder(&self, folder: &str) -> Option<PluginView<'_>> {
        let index = self.plugins.binary_search_by(|plugin| plugin.folder.as_str().cmp(folder)).ok()?;
        Some(self.view(index))
    }

    /// The external topic or pattern that covers this topic, where one is named.
    pub fn external(&self, topic: &str) -> Option<&contract_model::suite::External> {
        self.manifest.external.iter().map(|entry| &entry.value).find(|entry| entry.topic.matches(topic))
    }
}

/// A plugin of a suite together with its index there.
#[derive(Debug, Clone, Copy)]
pub struct PluginView<'a> {
    /// Its index in the suite's `plugins`.
    pub index: usize,
    /// What was read of it.
    pub parsed: &'a ParsedPlugin,
}

impl<'a> PluginView<'a> {
    /// The slug; of a manifest that cannot be read what its line `slug:` says, else the folder's last name.
    pub fn slug(self) -> &'a str {
        match &self.parsed.manifest {
            Some(manifest) => manifest.slug.value.as_str(),
            None => self.slug_line().unwrap_or_else(|| self.parsed.folder.rsplit('/').next().unwrap_or_default()),
        }
    }

    fn slug_line(self) -> Option<&'a str> {
        let text = self.parsed.texts.get(PLUGIN_FILE)?;
        let said = text.lines().find_map(|line| line.strip_prefix("slug:"))?.trim();
        PluginSlug::new(said).is_ok().then_some(said)
    }

    /// Whether its manifest cannot be read, so that it may own, publish and hear whatever the others leave.
    pub fn is_unread(self) -> bool {
        self.parsed.manifest.is_none()
    }

    /// Whether it may own, publish or hear more than is known: its manifest cannot be read, or not all of it.
    pub fn is_unsure(self) -> bool {
        self.manifest().is_none_or(|manifest| !manifest.knows_its_wiring())
    }

    /// Whether everything under a key of its manifest could be read.
    pub fn knows(self, key: &str) -> bool {
        self.manifest().is_some_and(|manifest| manifest.knows(key))
    }

    /// The manifest, where it can be read.
    pub fn manifest(self) -> Option<&'a Manifest> {
        self.parsed.manifest.as_ref()
    }

    /// A path of the plugin's folder as a path of the suite.
    pub fn path(self, file: &str) -> String {
        match self.parsed.folder.as_str() {
            "" | "." => file.to_owned(),
            folder => format!("{folder}/{file}"),
        }
    }

    /// A place in plugin.yaml.
    pub fn at(self, span: Span) -> Location {
        let text = self.parsed.texts.get(PLUGIN_FILE).map_or("", String::as_str);
        Location::of(self.path(PLUGIN_FILE), text, span)
    }

    /// A place in one of the plugin's sources.
    pub fn place(self, origin: &Origin) -> Location {
        let text = self.parsed.texts.get(&*origin.file).map_or("", String::as_str);
        Location::of(self.path(&origin.file), text, origin.span)
    }

    /// The top of plugin.yaml, for what is missing from it as a whole.
    pub fn top(self) -> Location {
        Location::start_of(self.path(PLUGIN_FILE))
    }

    /// The text of a file by its path relative to the suite, where the file is this plugin's.
    pub fn text(self, file: &str) -> Option<&'a str> {
        let own = match self.parsed.folder.as_str() {
            "" | "." => Some(file),
            folder => file.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/')),
        };
        self.parsed.texts.get(own?).map(String::as_str)
    }

    /// Whether the plugin's code runs in a worker and so can be compared with its manifest.
    /// A sidecar or a native plugin can only be taken at its word.
    pub fn has_code(self) -> bool {
        self.manifest().is_none_or(|manifest| manifest.form == contract_model::manifest::Form::Bundle)
    }

    /// Whether every module could be read and worked out. Where not, what is absent from the facts is not known to be absent.
    pub fn is_complete(self) -> bool {
        let partial = [ProblemKind::SourceUnparsable, ProblemKind::BudgetExceeded];
        let has_entry = self.manifest().is_none_or(|manifest| manifest.knows("entry"));
        has_entry && !self.parsed.problems.iter().any(|problem| partial.contains(&problem.kind))
    }

    /// Facts of one kind that can happen when the plugin runs: not those in tests or in unreachable code.
    pub fn running(self, kind: FactKind) -> impl Iterator<Item = &'a Fact> {
        self.parsed.facts.iter().filter(move |fact| fact.kind == kind && can_run(fact))
    }
}

/// Whether a place can be reached when the plugin runs: it is neither unreachable nor part of a test.
pub fn can_run(fact: &Fact) -> bool {
    fact.reachable != Some(false) && fact.guard != Guard::Test
}
