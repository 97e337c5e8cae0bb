//! A suite as the values that expressions see.

use contract_graph::{Graph, Liveness, PluginView, TopicUse, Verdict};
use contract_model::manifest::{Form, TopicContract, TopicKind, Visibility};
use contract_model::{Location, Manifest};
use contract_parse::{Fact, TopicValue};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The lists of a suite, each value with its place.
pub(crate) struct Data {
    pub(crate) facts: Vec<Placed>,
    pub(crate) topics: Vec<Placed>,
    pub(crate) plugins: Vec<Placed>,
    /// The longest list within a record.
    pub(crate) longest: usize,
    pub(super) topics_by_name: Arc<BTreeMap<String, cel::Value>>,
    pub(super) plugins_by_slug: Arc<BTreeMap<String, cel::Value>>,
    pub(super) no_topic: cel::Value,
    pub(super) no_plugin: cel::Value,
}

/// One value, what it is about, and where to point.
pub(crate) struct Placed {
    pub(crate) value: cel::Value,
    pub(crate) plugin: String,
    pub(crate) topic: Option<String>,
    /// The handler it lies in.
    pub(crate) symbol: String,
    pub(crate) location: Location,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct FactRecord<'a> {
    kind: String,
    plugin: &'a str,
    topic: String,
    topics: Vec<&'a str>,
    resolved: bool,
    provenance: String,
    reachable: bool,
    guard: String,
    handler: &'a str,
    within: &'a str,
    file: &'a str,
    line: i64,
    column: i64,
    detail: BTreeMap<&'a str, &'a str>,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct TopicRecord<'a> {
    name: &'a str,
    owner: &'a str,
    kind: &'a str,
    visibility: &'a str,
    version: String,
    schema: &'a str,
    deprecated: bool,
    external: bool,
    live: bool,
    verdict: &'a str,
    publishers: BTreeSet<&'a str>,
    consumers: BTreeSet<&'a str>,
    responders: BTreeSet<&'a str>,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct PluginRecord<'a> {
    slug: &'a str,
    name: &'a str,
    version: String,
    folder: &'a str,
    form: &'a str,
    category: &'a str,
    tags: Vec<&'a str>,
    publishes: BTreeSet<String>,
    consumes: BTreeSet<&'a str>,
    optional: BTreeSet<&'a str>,
    owns: BTreeSet<&'a str>,
    requires: BTreeSet<&'a str>,
    permissions: BTreeSet<String>,
    roles: BTreeSet<&'a str>,
    modules: i64,
}

impl Data {
    /// The values of the suite that a graph was built of.
    pub(crate) fn of(graph: &Graph<'_>) -> Self {
        let facts = graph.plugins().flat_map(|view| view.parsed.facts.iter().map(move |fact| placed_fact(view, fact)));
        let liveness = graph.liveness();
        let topics: Vec<Placed> = graph.topics().iter().map(|topic| placed_topic(graph, &liveness, topic)).collect();
        let plugins: Vec<Placed> = graph.plugins().map(placed_plugin).collect();
        let by = |list: &[Placed], name: fn(&Placed) -> Option<String>| {
            Arc::new(list.iter().filter_map(|one| Some((name(one)?, one.value.clone()))).collect())
        };
        let mut data = Self {
            facts: facts.collect(),
            longest: 0,
            topics_by_name: by(&topics, |one| one.topic.clone()),
            plugins_by_slug: by(&plugins, |one| Some(one.plugin.clone())),
            no_topic: record(&TopicRecord::default()),
            no_plugin: record(&PluginRecord::default()),
            topics,
            plugins,
        };
        let all = data.facts.iter().chain(&data.topics).chain(&data.plugins);
        data.longest = all.map(|one| longest(&one.value)).max().unwrap_or(0);
        data
    }
}

fn record(value: &impl Serialize) -> cel::Value {
    // Texts, numbers, flags and lists of texts always have a CEL form.
    cel::to_value(value).unwrap_or(cel::Value::Null)
}

fn longest(value: &cel::Value) -> usize {
    match value {
        cel::Value::Map(map) => map.map.values().map(longest).max().unwrap_or(0),
        cel::Value::List(items) => items.len(),
        _ => 0,
    }
}

/// The name that serde gives a state without fields.
fn word(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(text)) => text,
        _ => String::new(),
    }
}

fn placed_fact(view: PluginView<'_>, fact: &Fact) -> Placed {
    let (topic, topics) = match &fact.topic {
        Some(TopicValue::Exact(names)) if names.len() == 1 => (names.first().cloned(), names.iter().collect()),
        Some(TopicValue::Exact(names)) => (None, names.iter().collect()),
        Some(TopicValue::Pattern(pattern)) => (Some(pattern.clone()), vec![pattern]),
        Some(TopicValue::Unknown(_)) | None => (None, Vec::new()),
    };
    let value = FactRecord {
        kind: word(fact.kind),
        plugin: view.slug(),
        topic: topic.clone().unwrap_or_default(),
        topics: topics.into_iter().map(String::as_str).collect(),
        resolved: matches!(fact.topic, Some(TopicValue::Exact(_))),
        provenance: word(fact.provenance),
        reachable: contract_graph::can_run(fact),
        guard: word(fact.guard),
        handler: fact.handler.as_deref().unwrap_or_default(),
        within: fact.within.as_deref().unwrap_or_default(),
        file: &fact.location.file,
        line: fact.location.line.into(),
        column: fact.location.column.into(),
        detail: fact.detail.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect(),
    };
    let symbol = fact.within.clone().unwrap_or_default();
    Placed { value: record(&value), plugin: view.slug().to_owned(), topic, symbol, location: fact.location.clone() }
}

fn placed_topic(graph: &Graph<'_>, liveness: &Liveness, topic: &contract_graph::Topic<'_>) -> Placed {
    let name = topic.name.as_str();
    let owned = graph.contract(name);
    let contract = owned.map(|owned| owned.contract);
    let users = |wanted: TopicUse| topic.places.iter().filter(move |place| place.0 == wanted).map(|place| place.1);
    let responders = if graph.is_request(name) { graph.responders(name) } else { Vec::new() };
    let value = TopicRecord {
        name,
        owner: owned.map(|owned| owned.plugin.slug()).unwrap_or_default(),
        kind: contract.map_or("event", kind),
        visibility: contract.map_or("suite", visibility),
        version: contract.and_then(|it| it.version.as_ref()).map(ToString::to_string).unwrap_or_default(),
        schema: contract.and_then(|it| it.schema.as_ref()).map_or("", |schema| schema.value.as_str()),
        deprecated: contract.is_some_and(|it| it.deprecated.is_some()),
        external: graph.enters_from_outside(name),
        live: liveness.is_live(name),
        verdict: match graph.verdict(name) {
            Verdict::Live => "live",
            Verdict::Dangling => "dangling",
            Verdict::Unproven { .. } => "unproven",
        },
        publishers: graph.emissions_of(name).filter(|one| one.reach.surely(name)).map(|one| one.slug).collect(),
        consumers: graph.consumers_of(name).map(|consumer| consumer.slug).collect(),
        responders: responders.iter().map(|consumer| consumer.slug).collect(),
    };
    let plugin = value.owner;
    let plugin = if plugin.is_empty() { users(TopicUse::Publishes).next() } else { Some(plugin) };
    let plugin = plugin.or_else(|| users(TopicUse::Consumes).next()).unwrap_or_default();
    let location = topic.places.iter().find(|place| place.1 == plugin).map(|place| place.2.clone());
    Placed {
        value: record(&value),
        plugin: plugin.to_owned(),
        topic: Some(name.to_owned()),
        symbol: String::new(),
        location: location.unwrap_or_else(|| Location::start_of("suite.yaml")),
    }
}

fn kind(contract: &TopicContract) -> &'static str {
    match contract.kind {
        TopicKind::Event => "event",
        TopicKind::Request => "request",
        TopicKind::Reply => "reply",
    }
}

fn visibility(contract: &TopicContract) -> &'static str {
    match contract.visibility {
        Visibility::Private => "private",
        Visibility::Suite => "suite",
        Visibility::Public => "public",
    }
}

fn placed_plugin(view: PluginView<'_>) -> Placed {
    let value = view.manifest().map_or_else(|| record(&undeclared(view)), |manifest| record(&declared(view, manifest)));
    Placed { value, plugin: view.slug().to_owned(), topic: None, symbol: String::new(), location: view.top() }
}

/// What is known of a plugin without its manifest.
fn undeclared(view: PluginView<'_>) -> PluginRecord<'_> {
    let modules = i64::try_from(view.parsed.modules.len()).unwrap_or(i64::MAX);
    PluginRecord { slug: view.slug(), folder: &view.parsed.folder, modules, form: "bundle", ..PluginRecord::default() }
}

fn declared<'a>(view: PluginView<'a>, manifest: &'a Manifest) -> PluginRecord<'a> {
    let consumes = || manifest.consumes.iter().map(|entry| &entry.value);
    PluginRecord {
        name: &manifest.name,
        version: manifest.version.value.to_string(),
        form: match manifest.form {
            Form::Bundle => "bundle",
            Form::Sidecar => "sidecar",
            Form::Native => "native",
        },
        category: manifest.about.get("category").map_or("", String::as_str),
        tags: manifest.tags.iter().map(String::as_str).collect(),
        publishes: manifest.publishes.iter().flat_map(|entry| entry.value.names()).map(str::to_owned).collect(),
        consumes: consumes().map(|entry| entry.topic.as_str()).collect(),
        optional: consumes().filter(|entry| entry.optional).map(|entry| entry.topic.as_str()).collect(),
        owns: manifest.topics.keys().map(contract_model::TopicName::as_str).collect(),
        requires: manifest.requires.keys().map(String::as_str).collect(),
        permissions: manifest.permissions.iter().flatten().map(|permission| permission.value.to_string()).collect(),
        roles: manifest.roles.iter().map(|role| role.value.name.as_str()).collect(),
        ..undeclared(view)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::shape::{FACT, PLUGIN, TOPIC};

    /// What the manual and the judge say of a record is what the record has.
    #[test]
    fn records_have_the_fields_that_shapes_promise() {
        let keys = |value: &cel::Value| -> BTreeSet<String> {
            let serde_json::Value::Object(map) = crate::query::json::json(value) else { return BTreeSet::new() };
            map.keys().cloned().collect()
        };
        let promised = |fields: &[(&str, crate::query::Shape, bool, &str)]| -> BTreeSet<String> {
            fields.iter().map(|(name, ..)| (*name).to_owned()).collect()
        };
        assert_eq!(keys(&record(&FactRecord::default())), promised(FACT));
        assert_eq!(keys(&record(&TopicRecord::default())), promised(TOPIC));
        assert_eq!(keys(&record(&PluginRecord::default())), promised(PLUGIN));
    }
}
