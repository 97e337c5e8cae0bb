//! The compiled schemas of a suite: of the topics, and of what consumers say they take.

use contract_graph::{PluginView, Suite};
use contract_model::Location;
use contract_model::manifest::{Consumes, TopicContract};
use contract_model::span::Spanned;
use contract_parse::place_in_json;
use contract_schema::Schema;
use std::collections::BTreeMap;

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

/// Every schema that compiles; TL501 reports the others.
pub(crate) struct Schemas<'a> {
    topics: BTreeMap<&'a str, TopicSchema<'a>>,
}

impl<'a> Schemas<'a> {
    /// Compiles the schemas of all topics. Of two contracts for one topic, the rightful owner's counts.
    pub(crate) fn of(suite: &'a Suite) -> Self {
        let mut topics: BTreeMap<&'a str, TopicSchema<'a>> = BTreeMap::new();
        for plugin in suite.views() {
            for contract in plugin.manifest().into_iter().flat_map(|manifest| manifest.topics.values()) {
                let name = contract.name.value.as_str();
                let rightful = suite.contract(name).is_none_or(|owned| owned.plugin.index == plugin.index);
                let file =
                    contract.schema.as_ref().filter(|_| rightful).and_then(|path| FileSchema::read(plugin, path));
                if let Some(file) = file {
                    topics.insert(name, TopicSchema { contract, file });
                }
            }
        }
        Self { topics }
    }

    /// The schema of a topic.
    pub(crate) fn topic(&self, topic: &str) -> Option<&TopicSchema<'a>> {
        self.topics.get(topic)
    }

    /// The schemas of all topics, by topic.
    pub(crate) fn topics(&self) -> impl Iterator<Item = (&'a str, &TopicSchema<'a>)> {
        self.topics.iter().map(|(name, schema)| (*name, schema))
    }
}

/// What consumers say they take: each entry of `consumes` with a schema of its own that compiles.
pub(crate) fn wanted(suite: &Suite) -> impl Iterator<Item = (&Spanned<Consumes>, FileSchema<'_>)> {
    suite.views().flat_map(|plugin| {
        let entries = plugin.manifest().map(|manifest| manifest.consumes.as_slice()).unwrap_or_default();
        entries.iter().filter_map(move |entry| Some((entry, FileSchema::read(plugin, entry.value.schema.as_ref()?)?)))
    })
}

impl<'a> FileSchema<'a> {
    fn read(plugin: PluginView<'a>, path: &'a Spanned<String>) -> Option<Self> {
        let text = plugin.parsed.texts.get(&path.value)?;
        let schema = Schema::compile(text, &path.value).ok()?;
        Some(Self { plugin, path: &path.value, schema })
    }

    /// The place of a part of the schema, by JSON pointer.
    pub(crate) fn at(&self, pointer: &str) -> Location {
        let text = self.plugin.parsed.texts.get(self.path).map_or("", String::as_str);
        Location::of(&self.plugin.path(self.path), text, place_in_json(text, pointer))
    }
}
