//! TL106: a topic has no contract, or its contract no schema.

use crate::context::Context;
use crate::finding::Finding;
use crate::rule::{Check, Rule};
use crate::wiring::published;
use checker_report::Severity;
use contract_graph::PluginView;
use std::collections::BTreeSet;

pub(crate) const RULE: Rule = Rule {
    id: "TL106",
    name: "emit-without-schema",
    severity: Severity::Warning,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl106.md"),
    check: Check::Suite(check),
};

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let mut found: Vec<Finding> = cx.suite.views().flat_map(without_schema).collect();
    found.extend(without_contract(cx));
    found
}

fn without_schema(view: PluginView<'_>) -> Vec<Finding> {
    let topics = view.manifest().map(|manifest| manifest.topics.values()).into_iter().flatten();
    topics
        .filter(|contract| contract.schema.is_none())
        .map(|contract| {
            let name = contract.name.value.as_str();
            let message = format!("the contract of `{name}` has no payload schema");
            let finding = Finding::new(view.slug(), view.at(contract.name.span), message).topic(name).role("own");
            finding.label("any payload passes").help(format!("write contracts/{name}.json and name it as `schema:`"))
        })
        .collect()
}

/// Topics of a plugin's own namespace that it publishes without owning a contract.
fn without_contract(cx: &Context<'_>) -> Vec<Finding> {
    let mut seen = BTreeSet::new();
    published(cx.whole)
        .filter(|(topic, emission)| topic.split('.').next() == Some(emission.slug))
        .filter(|(topic, emission)| cx.whole.contract(topic).is_none() && seen.insert((emission.slug, *topic)))
        .map(|(topic, emission)| {
            let message = format!("`{topic}` is published, but no plugin owns a contract for it");
            let finding = Finding::new(emission.slug, emission.location.clone(), message).topic(topic).role("publish");
            finding
                .label("published here")
                .help(format!("describe it under `topics:` in the plugin.yaml of `{}`", emission.slug))
        })
        .collect()
}
