//! TL503: a handler reads a field that no payload of its topic has.

use crate::context::Context;
use crate::finding::Finding;
use crate::nearest::nearest;
use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_graph::PluginView;
use contract_model::Location;
use contract_model::topic::pattern_matches;
use contract_parse::{Fact, FactKind, TopicValue};
use contract_schema::{FieldAnswer, Missing, field};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) const RULE: Rule = Rule {
    id: "TL503",
    name: "reads-undeclared-field",
    severity: Severity::Warning,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl503.md"),
    check: Check::Suite(check),
};

fn check(cx: &Context<'_>) -> Vec<Finding> {
    cx.suite.views().flat_map(|view| judge(cx, view)).collect()
}

/// One place may read for several topics, as a shared helper does: it is at fault where none of them has the field.
fn judge(cx: &Context<'_>, view: PluginView<'_>) -> Vec<Finding> {
    let mut places: BTreeMap<(&Location, &str), Vec<&Fact>> = BTreeMap::new();
    for fact in view.running(FactKind::ReadsField).filter(|fact| !fact.detail.contains_key("certain")) {
        if let Some(path) = fact.detail.get("path") {
            places.entry((&fact.location, path)).or_default().push(fact);
        }
    }
    places.into_iter().filter_map(|((at, path), facts)| at_place(cx, view, at, path, &facts)).collect()
}

fn at_place(cx: &Context<'_>, view: PluginView<'_>, at: &Location, path: &str, facts: &[&Fact]) -> Option<Finding> {
    let topics = topics(cx, facts)?;
    let mut answers = Vec::new();
    for topic in topics {
        let schema = cx.schemas.topic(topic)?;
        match field(&schema.file.schema, path) {
            FieldAnswer::Possible => return None,
            FieldAnswer::Unnamed(missing) => answers.push((topic, schema, missing, false)),
            FieldAnswer::Impossible(missing) => answers.push((topic, schema, missing, true)),
        }
    }
    let closed = answers.iter().all(|(.., closed)| *closed);
    let tolerant = facts.iter().all(|fact| fact.detail.contains_key("tolerant"));
    if answers.is_empty() || (tolerant && !closed) {
        return None;
    }
    let (topic, schema, missing, _) = &answers[0];
    let severity = if closed { Severity::Error } else { Severity::Warning };
    let finding = Finding::new(view.slug(), at.clone(), message(view, path, topic, missing, closed))
        .topic(topic)
        .role(path)
        .within(facts[0])
        .severity(severity)
        .label(if closed { "always undefined" } else { "not named by the schema" })
        .related(schema.file.at(&schema_place(&missing.schema_pointer)), "the fields that there are");
    Some(match nearest(&missing.name, missing.known.iter().map(String::as_str)) {
        Some(meant) => finding.help(format!("did you mean `{meant}`?")),
        None if closed => finding.help("read another field, or have the topic's owner add this one to its schema"),
        None => finding
            .help("have the topic's owner name it in the schema, or read it as optional: `payload.x?.y`, `?? default`"),
    })
}

/// Every topic that the place reads of; none where one of them is not known.
fn topics<'a>(cx: &'a Context<'_>, facts: &[&'a Fact]) -> Option<BTreeSet<&'a str>> {
    let mut out = BTreeSet::new();
    for fact in facts {
        match fact.topic.as_ref()? {
            TopicValue::Exact(names) => out.extend(names.iter().map(String::as_str)),
            TopicValue::Pattern(pattern) => {
                let all = cx.suite.views().filter_map(PluginView::manifest).flat_map(|manifest| manifest.topics.keys());
                out.extend(all.map(contract_model::TopicName::as_str).filter(|name| pattern_matches(pattern, name)));
            }
            TopicValue::Unknown(_) => return None,
        }
    }
    Some(out)
}

fn message(view: PluginView<'_>, path: &str, topic: &str, missing: &Missing, closed: bool) -> String {
    let rest = if closed { "cannot have it" } else { "is not said to have it" };
    let what = match missing.parent.as_str() {
        "" => format!("the payload of `{topic}`"),
        parent => format!("`{parent}` of `{topic}`"),
    };
    format!("`{}` reads `{path}`, and {what} {rest}: `{}` is none of its fields", view.slug(), missing.name)
}

fn schema_place(pointer: &str) -> String {
    format!("{pointer}/properties")
}
