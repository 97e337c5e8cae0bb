//! The compiled schemas of a suite: of the topics, and of what consumers say they take.

use contract_graph::{Graph, PluginView};
use contract_model::manifest::{Consumes, TopicContract};
use contract_model::span::Spanned;
use contract_model::{Location, TopicPattern};
use contract_parse::place_in_json;
use contract_schema::{Schema, SchemaError};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// A compiled schema and the file it stands in.
#[derive(Debug, Clone)]
pub(crate) struct FileSchema<'a> {
    pub(crate) plugin: PluginView<'a>,
    /// Path relative to the plugin's folder.
    pub(crate) path: &'a str,
    pub(crate) schema: Schema,
}

/// The schema of a topic.
#[derive(Debug, Clone)]
pub(crate) struct TopicSchema<'a> {
    pub(crate) contract: &'a TopicContract,
    pub(crate) file: FileSchema<'a>,
}

/// A schema file: its plugin by number, and its path there.
type File<'a> = (usize, &'a str);

/// Every schema that manifests name, compiled once.
pub(crate) struct Schemas<'a> {
    compiled: BTreeMap<File<'a>, Result<Schema, SchemaError>>,
    topics: BTreeMap<&'a str, TopicSchema<'a>>,
    wanted: Vec<(&'a Spanned<Consumes>, FileSchema<'a>)>,
}

impl<'a> Schemas<'a> {
    /// Compiles the schemas of all topics, of settings, and of what consumers take.
    pub(crate) fn of(whole: &Graph<'a>) -> Self {
        let files: BTreeSet<File<'a>> = whole.plugins().flat_map(files).collect();
        let compile = |(plugin, path): File<'a>| {
            let text = whole.suite().view(plugin).parsed.texts.get(path)?;
            Some(((plugin, path), Schema::compile(text, path)))
        };
        let compiled = files.into_par_iter().filter_map(compile).collect();
        let mut schemas = Self { compiled, topics: BTreeMap::new(), wanted: Vec::new() };
        for plugin in whole.plugins() {
            schemas.add_topics(whole, plugin);
            let entries = plugin.manifest().map(|manifest| manifest.consumes.as_slice()).unwrap_or_default();
            let wanted =
                entries.iter().filter_map(|entry| Some((entry, schemas.file(plugin, entry.value.schema.as_ref()?)?)));
            let wanted: Vec<_> = wanted.collect();
            schemas.wanted.extend(wanted);
        }
        schemas
    }

    /// Of two contracts for one topic, the rightful owner's counts.
    fn add_topics(&mut self, whole: &Graph<'a>, plugin: PluginView<'a>) {
        for contract in plugin.manifest().into_iter().flat_map(|manifest| manifest.topics.values()) {
            let name = contract.name.value.as_str();
            let rightful = whole.contract(name).is_none_or(|owned| owned.plugin.index == plugin.index);
            let file = contract.schema.as_ref().filter(|_| rightful).and_then(|path| self.file(plugin, path));
            if let Some(file) = file {
                self.topics.insert(name, TopicSchema { contract, file });
            }
        }
    }

    fn file(&self, plugin: PluginView<'a>, path: &'a Spanned<String>) -> Option<FileSchema<'a>> {
        let path = path.value.as_str();
        let schema = self.compiled(plugin, path)?.as_ref().ok()?.clone();
        Some(FileSchema { plugin, path, schema })
    }

    /// What compiling a file of a plugin gave; none where there is no such file.
    pub(crate) fn compiled<'s>(
        &'s self,
        plugin: PluginView<'_>,
        path: &'s str,
    ) -> Option<&'s Result<Schema, SchemaError>> {
        self.compiled.get(&(plugin.index, path))
    }

    /// All that compile.
    pub(crate) fn all(&self) -> Vec<Schema> {
        self.compiled.values().flatten().cloned().collect()
    }

    /// The schema of a topic.
    pub(crate) fn topic(&self, topic: &str) -> Option<&TopicSchema<'a>> {
        self.topics.get(topic)
    }

    /// The schemas of all topics, by topic.
    pub(crate) fn topics(&self) -> impl Iterator<Item = (&'a str, &TopicSchema<'a>)> {
        self.topics.iter().map(|(name, schema)| (*name, schema))
    }

    /// The schemas of the topics that a pattern covers, by topic.
    pub(crate) fn under(&self, pattern: &TopicPattern) -> Vec<(&'a str, &TopicSchema<'a>)> {
        match pattern.as_exact() {
            Some(name) => {
                self.topics.get_key_value(name.as_str()).map(|(name, schema)| (*name, schema)).into_iter().collect()
            }
            None => self.topics().filter(|(topic, _)| pattern.matches(topic)).collect(),
        }
    }

    /// What consumers say they take: each entry of `consumes` with a schema of its own that compiles.
    pub(crate) fn wanted(&self) -> impl Iterator<Item = (&'a Spanned<Consumes>, &FileSchema<'a>)> {
        self.wanted.iter().map(|(entry, file)| (*entry, file))
    }
}

/// The schema files that a manifest names.
fn files(plugin: PluginView<'_>) -> BTreeSet<File<'_>> {
    let Some(manifest) = plugin.manifest() else { return BTreeSet::new() };
    let topics = manifest.topics.values().filter_map(|contract| contract.schema.as_ref());
    let wanted = manifest.consumes.iter().filter_map(|entry| entry.value.schema.as_ref());
    let all = topics.chain(wanted).chain(&manifest.config);
    all.map(|path| (plugin.index, path.value.trim_start_matches("./"))).collect()
}

impl FileSchema<'_> {
    /// The place of a part of the schema, by JSON pointer.
    pub(crate) fn at(&self, pointer: &str) -> Location {
        let text = self.plugin.parsed.texts.get(self.path).map_or("", String::as_str);
        Location::of(self.plugin.path(self.path), text, place_in_json(text, pointer))
    }
}
