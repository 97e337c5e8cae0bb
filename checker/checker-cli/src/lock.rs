//! `contracts.lock`: what an installation has agreed on, for asking whether a further plugin fits.
//!
//! The file is JSON with sorted keys and lists, without places and times: equal suites give equal bytes, and a moved
//! line changes nothing.

mod facts;
mod manifest;

use contract_graph::{PluginView, Suite};
use contract_model::manifest::TopicKind;
use contract_parse::{ParsedPlugin, PluginSource, SourceFile, parse_plugin};
use facts::{Answering, Hidden, Read, Site, Subscription};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Name and version of the format.
const SCHEMA: &str = "trunkline.lock/1";
/// The name of the file in a suite's folder.
pub(crate) const FILE: &str = "contracts.lock";

/// The contracts of an installation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lock {
    schema: String,
    /// The plugins by slug.
    plugins: BTreeMap<String, LockedPlugin>,
    /// The topics that enter from outside.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    external: Vec<LockedExternal>,
    /// What the check took on trust, to be enforced where the plugins run.
    trusted: Vec<Trusted>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LockedPlugin {
    version: String,
    /// The parts of plugin.yaml that others rely on.
    manifest: Value,
    /// The schemas of its topics, by path in its folder.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    schemas: BTreeMap<String, Value>,
    publishes: Vec<Site>,
    subscriptions: Vec<Subscription>,
    /// The fields of payloads that its handlers read.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    reads: BTreeSet<Read>,
    /// Where payloads get out of sight.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    hidden: BTreeSet<Hidden>,
    /// How its handlers of what may be requests end.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    answers: BTreeSet<Answering>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LockedExternal {
    topic: String,
    reason: String,
}

/// A place whose topics the analysis did not prove.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Trusted {
    plugin: String,
    topic: facts::Topic,
    /// `annotated` by the author, or `declared` for a plugin whose code cannot be read.
    by: String,
}

impl Lock {
    /// The contracts of a suite.
    pub(crate) fn of(suite: &Suite) -> Self {
        let events = events(suite);
        let plugins: BTreeMap<String, LockedPlugin> =
            suite.views().filter_map(|view| Some((view.slug().to_owned(), locked(view, &events)?))).collect();
        let mut trusted: Vec<Trusted> = plugins
            .iter()
            .flat_map(|(slug, plugin)| {
                let sites = plugin.publishes.iter().filter_map(Site::trusted);
                sites.map(|(topic, by)| Trusted { plugin: slug.clone(), topic, by })
            })
            .collect();
        trusted.sort();
        trusted.dedup();
        let external = suite.manifest.external.iter().map(|entry| &entry.value);
        let external = external.map(|one| LockedExternal { topic: one.topic.to_string(), reason: one.reason.clone() });
        let mut external: Vec<LockedExternal> = external.collect();
        external.sort();
        Self { schema: SCHEMA.to_owned(), plugins, external, trusted }
    }

    /// The file's text.
    pub(crate) fn text(&self) -> anyhow::Result<String> {
        // Through a value, whose keys are sorted.
        Ok(serde_json::to_string_pretty(&serde_json::to_value(self)?)? + "\n")
    }

    /// Reads a file's text.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        let lock: Self = serde_json::from_str(text)?;
        anyhow::ensure!(lock.schema == SCHEMA, "it is `{}`, and this program reads `{SCHEMA}`", lock.schema);
        Ok(lock)
    }

    /// The suite that the lock describes: contracts and wiring, without code.
    pub(crate) fn suite(&self) -> Suite {
        let plugins = self.plugins.iter().map(|(slug, plugin)| plugin.parsed(slug)).collect();
        let mut suite = Suite::of(plugins);
        let external = serde_json::json!({"name": "lock", "external": self.external}).to_string();
        (suite.manifest, _) = contract_parse::parse_suite_manifest(FILE, &external);
        suite
    }
}

/// The topics that nobody answers: to make a request of one is a change of its own.
fn events(suite: &Suite) -> BTreeSet<&str> {
    let contracts = suite.views().filter_map(PluginView::manifest).flat_map(|manifest| &manifest.topics);
    contracts.filter(|(_, contract)| contract.kind != TopicKind::Request).map(|(name, _)| name.as_str()).collect()
}

fn locked(view: PluginView<'_>, events: &BTreeSet<&str>) -> Option<LockedPlugin> {
    let manifest = view.manifest()?;
    let paths = manifest.topics.values().filter_map(|contract| contract.schema.as_ref());
    let schemas = paths.filter_map(|path| {
        let text = view.parsed.texts.get(path.value.trim_start_matches("./"))?;
        Some((path.value.clone(), serde_json::from_str(text).ok()?))
    });
    Some(LockedPlugin {
        version: manifest.version.value.to_string(),
        manifest: manifest::shown(manifest),
        schemas: schemas.collect(),
        publishes: facts::sites(view),
        subscriptions: facts::subscriptions(view),
        reads: facts::reads(view),
        hidden: facts::hidden(view),
        answers: facts::answers(view, events),
    })
}

impl LockedPlugin {
    fn parsed(&self, slug: &str) -> ParsedPlugin {
        let manifest = ("plugin.yaml".to_owned(), self.manifest.to_string());
        let schemas = self.schemas.iter().map(|(path, schema)| (path.clone(), schema.to_string()));
        let files = std::iter::once(manifest).chain(schemas).map(|(path, text)| SourceFile { path, text }).collect();
        let mut plugin = parse_plugin(&PluginSource { folder: slug.to_owned(), files });
        // There is no code here, and none is missing.
        plugin.problems.clear();
        plugin.facts = self.publishes.iter().map(Site::fact).collect();
        plugin.facts.extend(self.subscriptions.iter().map(Subscription::fact));
        plugin.facts.extend(self.reads.iter().map(Read::fact));
        plugin.opaque = self.hidden.iter().map(Hidden::opaque).collect();
        plugin.endings = self.answers.iter().map(Answering::ending).collect();
        plugin
    }
}
