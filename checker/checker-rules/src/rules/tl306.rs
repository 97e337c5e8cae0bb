//! TL306: the only subscription to what the manifest consumes never runs.

use crate::finding::Finding;
use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_graph::{PluginView, can_run, overlap};
use contract_model::manifest::Consumes;
use contract_parse::{Fact, FactKind, Guard, TopicValue};

pub(crate) const RULE: Rule = Rule {
    id: "TL306",
    name: "subscribed-in-dead-code",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl306.md"),
    check: Check::Plugin(check),
};

fn check(view: PluginView<'_>) -> Vec<Finding> {
    if view.has_code() && view.is_complete() { dead(view) } else { Vec::new() }
}

fn dead(view: PluginView<'_>) -> Vec<Finding> {
    let subscriptions: Vec<&Fact> = view.parsed.facts.iter().filter(|fact| fact.kind == FactKind::Subscribe).collect();
    let entries = view.manifest().map(|manifest| manifest.consumes.as_slice()).unwrap_or_default();
    entries
        .iter()
        .filter_map(|entry| {
            let hearing = || subscriptions.iter().filter(|fact| hears(fact, &entry.value));
            let first = hearing().next()?;
            (!hearing().any(|fact| can_run(fact))).then(|| finding(view, entry.value.topic.as_str(), first))
        })
        .collect()
}

/// Whether a subscription is to this entry's topic, or may be for all that is known.
fn hears(fact: &Fact, entry: &Consumes) -> bool {
    match &fact.topic {
        Some(TopicValue::Exact(names)) => names.iter().any(|name| entry.topic.matches(name)),
        Some(TopicValue::Pattern(pattern)) => overlap(pattern, entry.topic.as_str()),
        Some(TopicValue::Unknown(_)) | None => can_run(fact),
    }
}

fn finding(view: PluginView<'_>, topic: &str, fact: &Fact) -> Finding {
    let why = if fact.guard == Guard::Test { "is part of a test" } else { "can never run" };
    let message = format!("the only subscription of `{}` to `{topic}` {why}", view.slug());
    let finding = Finding::new(view.slug(), fact.location.clone(), message).topic(topic).role("subscribe").within(fact);
    finding.label("nothing leads here").help("subscribe where the entry module gets to when it is loaded")
}
