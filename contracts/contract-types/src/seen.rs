//! What a plugin sees of its suite: the topics and collections that its manifest lets it use.

use contract_graph::{PluginView, Suite};
use contract_model::collection::Collection;
use contract_model::manifest::{Manifest, Replies, TopicContract, TopicKind};
use contract_model::{Permission, TopicPattern};
use contract_parse::{Fact, FactKind, TopicValue};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A topic with the plugin that owns it.
#[derive(Clone, Copy)]
pub(crate) struct Owned<'a> {
    owner: PluginView<'a>,
    contract: &'a TopicContract,
}

impl<'a> Owned<'a> {
    /// The schema of its payload, if there is one that can be read.
    pub(crate) fn schema(self) -> Option<Value> {
        json(self.owner, &self.contract.schema.as_ref()?.value)
    }

    /// Its replies, where it is a request.
    pub(crate) fn replies(self) -> Option<&'a Replies> {
        self.contract.replies.as_ref().filter(|_| self.contract.kind == TopicKind::Request)
    }
}

/// All of a suite, or what one plugin of it sees.
pub(crate) struct Seen<'a> {
    /// The plugins whose code is meant.
    pub(crate) plugins: Vec<PluginView<'a>>,
    suite: &'a Suite,
    /// Every topic of the suite.
    pub(crate) topics: BTreeMap<&'a str, Owned<'a>>,
}

impl<'a> Seen<'a> {
    /// What the plugin with this slug sees, or all of the suite. None where there is no such plugin.
    pub(crate) fn of(suite: &'a Suite, slug: Option<&str>) -> Option<Self> {
        let plugins = match slug {
            Some(slug) => vec![suite.plugin(slug)?],
            None => suite.views().collect(),
        };
        let contracts = |owner: PluginView<'a>| {
            let topics = owner.manifest().into_iter().flat_map(|manifest| &manifest.topics);
            topics.map(move |(name, contract)| (name.as_str(), Owned { owner, contract }))
        };
        let topics = suite.views().flat_map(contracts).collect();
        Some(Self { plugins, suite, topics })
    }

    fn manifests(&self) -> impl Iterator<Item = &'a Manifest> {
        self.plugins.iter().filter_map(|plugin| plugin.manifest())
    }

    /// What may be published. A pattern stands for the names that it lists; without any it is an error of the manifest.
    pub(crate) fn published(&self) -> BTreeSet<&'a str> {
        let entries = self.manifests().flat_map(|manifest| &manifest.publishes);
        entries.flat_map(|entry| entry.value.names()).filter(|name| !name.contains('*')).collect()
    }

    /// What may be subscribed to: names, and patterns of the manifest and of the code.
    pub(crate) fn consumed(&self) -> BTreeSet<String> {
        let mut all = BTreeSet::new();
        let entries = self.manifests().flat_map(|manifest| &manifest.consumes);
        for pattern in entries.map(|entry| entry.value.topic.as_str()) {
            all.insert(pattern.to_owned());
            all.extend(self.under(pattern).map(str::to_owned));
        }
        let patterns = self.plugins.iter().flat_map(|plugin| plugin.running(FactKind::Subscribe)).filter_map(pattern);
        let heard = |one: &&str| all.iter().any(|wide| covers(wide, one));
        let narrower: Vec<String> = patterns.filter(heard).map(str::to_owned).collect();
        all.extend(narrower);
        all
    }

    /// The known topics under a pattern; for an exact name itself.
    pub(crate) fn under(&self, pattern: &str) -> impl Iterator<Item = &'a str> {
        let pattern = TopicPattern::new(pattern).ok();
        let matches = move |name: &&'a str| pattern.as_ref().is_some_and(|pattern| pattern.matches(name));
        self.topics.keys().copied().filter(matches).collect::<Vec<_>>().into_iter()
    }

    /// Collections that may be written, by name.
    pub(crate) fn written(&self) -> BTreeMap<&'a str, &'a Collection> {
        let own = self.plugins.iter().filter(|plugin| permits(plugin, &Permission::OwnRecords));
        own.flat_map(|plugin| collections(*plugin)).collect()
    }

    /// Collections that may be read, by name.
    pub(crate) fn read(&self) -> BTreeMap<&'a str, &'a Collection> {
        let granted = |name: &str| {
            let permission = Permission::ReadRecords(name.to_owned());
            self.plugins.iter().any(|plugin| permits(plugin, &permission))
        };
        let others = self.suite.views().flat_map(collections).filter(|(name, _)| granted(name));
        self.written().into_iter().chain(others).collect()
    }

    /// The verbs, by `METHOD path`.
    pub(crate) fn verbs(&self) -> BTreeMap<String, (PluginView<'a>, &'a Fact)> {
        let of = |plugin: &PluginView<'a>| {
            let plugin = *plugin;
            plugin.running(FactKind::Verb).filter_map(move |fact| Some((verb_name(fact)?, (plugin, fact))))
        };
        self.plugins.iter().flat_map(of).collect()
    }
}

/// A file of a plugin as JSON, where it can be read.
pub(crate) fn json(plugin: PluginView<'_>, path: &str) -> Option<Value> {
    let text = plugin.parsed.texts.get(path)?;
    serde_json::from_str(text.strip_prefix('\u{feff}').unwrap_or(text)).ok()
}

fn permits(plugin: &PluginView<'_>, permission: &Permission) -> bool {
    plugin.manifest().is_some_and(|manifest| manifest.permits(permission))
}

fn collections(plugin: PluginView<'_>) -> impl Iterator<Item = (&str, &Collection)> {
    let all = plugin.parsed.collections.iter().flat_map(|all| &all.collections);
    all.map(|collection| (collection.name.as_str(), collection))
}

fn covers(wide: &str, narrow: &str) -> bool {
    let (wide, narrow) = (TopicPattern::new(wide).ok(), TopicPattern::new(narrow).ok());
    wide.zip(narrow).is_some_and(|(wide, narrow)| wide.covers(&narrow))
}

fn pattern(fact: &Fact) -> Option<&str> {
    match fact.topic.as_ref()? {
        TopicValue::Pattern(pattern) => Some(pattern),
        TopicValue::Exact(_) | TopicValue::Unknown(_) => None,
    }
}

fn verb_name(fact: &Fact) -> Option<String> {
    let known = |name: &str| fact.detail.get(name).filter(|text| !text.contains('?'));
    Some(format!("{} {}", known("method")?.to_ascii_uppercase(), known("path")?))
}
