//! What is known of the wiring: read from the code of what is loaded, and seen to happen.

use crate::host::Host;
use crate::observed::Counts;
use crate::plugin::Plugin;
use contract_model::topic::pattern_matches;
use contract_model::{Location, TextSet};
use contract_parse::{FactKind, Guard, Provenance, TopicValue};
use serde_json::{Value, json};

impl Host {
    /// The facts of what is loaded, in the shape of `trunkline facts`, and one fact of provenance `observed` for each
    /// edge that has happened since the start, with how often as `count`.
    pub fn facts(&self) -> Value {
        let pools = self.0.pools();
        let plugins: Vec<&Plugin> = pools.iter().map(|pool| pool.plugin.as_ref()).collect();
        let heads: Vec<Value> = plugins.iter().map(|plugin| head(plugin)).collect();
        let mut facts: Vec<Value> = plugins.iter().flat_map(|plugin| extracted(plugin)).collect();
        let (published, handled) = self.0.conductor.observed();
        for plugin in plugins {
            facts.extend(observed(plugin, FactKind::Publish, &published));
            facts.extend(observed(plugin, FactKind::Subscribe, &handled));
        }
        json!({"schema": "trunkline.facts/1", "plugins": heads, "facts": facts})
    }
}

fn head(plugin: &Plugin) -> Value {
    let files: Vec<String> = plugin.parsed.modules.iter().map(|module| path(plugin, module)).collect();
    json!({"slug": plugin.slug(), "version": plugin.manifest.version.value.to_string(), "files": files})
}

fn extracted(plugin: &Plugin) -> impl Iterator<Item = Value> {
    let slug = plugin.slug().to_owned();
    plugin.parsed.facts.iter().map(move |fact| {
        let mut value = serde_json::to_value(fact).unwrap_or_default();
        value["plugin"] = Value::from(slug.as_str());
        value
    })
}

fn observed(plugin: &Plugin, kind: FactKind, counts: &Counts) -> Vec<Value> {
    let topics = counts.get(plugin.slug()).into_iter().flatten();
    let line = |(topic, count): (&String, &u64)| {
        json!({
            "kind": kind, "plugin": plugin.slug(), "topic": TopicValue::Exact(TextSet::one(topic)),
            "location": place(plugin, kind, topic), "provenance": Provenance::Observed, "reachable": true,
            "guard": Guard::None, "count": count,
        })
    };
    topics.map(line).collect()
}

/// The first place of the code that names the topic; else the manifest, for what a reply publishes.
fn place(plugin: &Plugin, kind: FactKind, topic: &str) -> Location {
    let names = |value: &TopicValue| match value {
        TopicValue::Exact(names) => names.contains(topic),
        TopicValue::Pattern(pattern) => pattern_matches(pattern, topic),
        TopicValue::Unknown(_) => false,
    };
    let mut facts = plugin.parsed.facts.iter().filter(|fact| fact.kind == kind);
    let found = facts.find(|fact| fact.topic.as_ref().is_some_and(names));
    found.map_or_else(|| Location::start_of(path(plugin, "plugin.yaml")), |fact| fact.location.clone())
}

fn path(plugin: &Plugin, file: &str) -> String {
    match plugin.parsed.folder.as_str() {
        "" | "." => file.to_owned(),
        folder => format!("{folder}/{file}"),
    }
}
