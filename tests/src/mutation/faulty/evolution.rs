//! Changes that break others between two states of a suite: judged against the sound suite as the base.

use super::names::publisher_renamed;
use super::payloads::{dropped, schemas};
use crate::mutation::truth::Place;
use crate::mutation::{Base, Edit, Mutant, Operator, yaml};
use contract_parse::FactKind;
use serde_json::{Value, json};

pub(super) const ALL: &[Operator] = &[
    Operator { name: "topic-withdrawn", expects: &["TL601"], sites: withdrawn },
    Operator { name: "topic-renamed", expects: &["TL602"], sites: publisher_renamed },
    Operator { name: "field-withdrawn", expects: &["TL603"], sites: |base| schemas(base, dropped) },
    Operator { name: "field-retyped", expects: &["TL603"], sites: |base| schemas(base, retyped) },
    Operator { name: "field-now-required", expects: &["TL603"], sites: |base| schemas(base, required) },
    Operator { name: "contract-version-kept", expects: &["TL604"], sites: |base| schemas(base, dropped) },
    Operator { name: "handler-renamed", expects: &["TL608"], sites: handler_renamed },
    Operator { name: "topic-no-longer-public", expects: &["TL609"], sites: narrowed },
    Operator { name: "consumer-withdrawn", expects: &["TL611"], sites: consumer_withdrawn },
];

/// The owner takes a topic away in code and manifest while others rely on it.
fn withdrawn(base: &Base) -> Vec<Mutant> {
    let sites = base.sole(&[FactKind::Publish]).filter(|(place, topic)| {
        base.required_elsewhere(&place.plugin, topic) && topic.starts_with(&format!("{}.", place.plugin))
    });
    let mutant = |(place, topic): (&Place, &str)| {
        let (path, text) = base.manifest(&place.plugin);
        let head = format!("  {topic}:");
        let start = text.find(&format!("\n{head}"))? + 1;
        let rest = &text[start + head.len()..];
        let length = if rest.starts_with(" {") { rest.find('\n')? + 1 } else { block(rest) };
        let contract = Edit::replace(&path, start..start + head.len() + length, "");
        let entry = Edit::replace(&path, yaml::entry(text, "publishes", topic)?, "");
        let call = Edit::replace(&place.file, base.call(place), "undefined");
        Some(Mutant::new(format!("{topic} of {}", place.plugin), vec![contract, entry, call]))
    };
    sites.filter_map(mutant).collect()
}

/// How far the deeper lines after a key reach.
fn block(rest: &str) -> usize {
    let mut lines = rest.split_inclusive('\n');
    let first = lines.next().map_or(0, str::len);
    first + lines.take_while(|line| line.starts_with("    ")).map(str::len).sum::<usize>()
}

fn retyped(text: &str) -> Option<String> {
    let mut schema: Value = serde_json::from_str(text).ok()?;
    let (_, field) = schema["properties"].as_object_mut()?.iter_mut().next()?;
    *field = json!({"type": "boolean"});
    Some(schema.to_string())
}

fn required(text: &str) -> Option<String> {
    let mut schema: Value = serde_json::from_str(text).ok()?;
    schema["properties"].as_object_mut()?.insert("approvedBy".to_owned(), json!({"type": "string"}));
    schema["required"].as_array_mut()?.push("approvedBy".into());
    Some(schema.to_string())
}

/// A handler gets another name, so that what waits for the old one finds nobody.
fn handler_renamed(base: &Base) -> Vec<Mutant> {
    let mutant = |(place, topic): (&Place, &str)| {
        let text = base.text(&place.file);
        let rest = &text[place.range.end..];
        let name = ["function ", "{ name: \""].into_iter().find_map(|head| {
            let at = rest.find(head).filter(|at| *at < 3)?;
            Some(place.range.end + at + head.len())
        })?;
        Some(Mutant::new(format!("{topic} in {}", place.file), vec![Edit::insert(&place.file, name, "newly")]))
    };
    base.sole(&[FactKind::Subscribe]).filter_map(mutant).collect()
}

fn narrowed(base: &Base) -> Vec<Mutant> {
    let mut out = Vec::new();
    for (plugin, text) in base.manifests() {
        let file = format!("{plugin}/plugin.yaml");
        for (at, word) in text.match_indices("visibility: public") {
            let edit = Edit::replace(&file, at..at + word.len(), "visibility: suite");
            out.push(Mutant::new(format!("{file} byte {at}"), vec![edit]));
        }
    }
    out
}

/// A plugin stops consuming a topic that others go on publishing.
fn consumer_withdrawn(base: &Base) -> Vec<Mutant> {
    let mutant = |(place, topic): (&Place, &str)| {
        let (path, text) = base.manifest(&place.plugin);
        let entry = yaml::entry(text, "consumes", topic).filter(|_| !base.is_optional(&place.plugin, topic))?;
        let edits = vec![Edit::replace(&place.file, base.call(place), "undefined"), Edit::replace(&path, entry, "")];
        Some(Mutant::new(format!("{topic} in {}", place.file), edits))
    };
    let others = |(place, topic): &(&Place, &str)| !topic.starts_with(&format!("{}.", place.plugin));
    let sites = base.sole(&[FactKind::Subscribe]).filter(|(_, topic)| !base.is_request(topic));
    sites.filter(others).filter_map(mutant).collect()
}
