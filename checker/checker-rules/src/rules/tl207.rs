//! TL207: several plugins publish a topic of which there is to be one publisher.

use crate::context::Context;
use crate::finding::Finding;
use crate::rule::{Check, Rule};
use crate::wiring::published;
use checker_report::Severity;
use contract_graph::{Emission, Graph};
use std::collections::BTreeMap;

pub(crate) const RULE: Rule = Rule {
    id: "TL207",
    name: "exclusive-publisher-conflict",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl207.md"),
    check: Check::Composition(check),
};

fn check(cx: &Context<'_>, graph: &Graph<'_>) -> Vec<Finding> {
    let mut publishers: BTreeMap<&str, BTreeMap<&str, &Emission<'_>>> = BTreeMap::new();
    for (topic, emission) in published(graph) {
        if cx.whole.contract(topic).is_some_and(|owned| owned.contract.exclusive) {
            publishers.entry(topic).or_default().entry(emission.slug).or_insert(emission);
        }
    }
    publishers.iter().flat_map(|(topic, calls)| conflict(cx, topic, calls)).collect()
}

/// The owner is the right publisher where it publishes at all, else the first one.
fn conflict(cx: &Context<'_>, topic: &str, calls: &BTreeMap<&str, &Emission<'_>>) -> Vec<Finding> {
    let owner = cx.whole.owner(topic).filter(|owner| calls.contains_key(owner));
    let Some(right) = owner.or_else(|| calls.keys().next().copied()) else { return Vec::new() };
    let others = calls.iter().filter(|(slug, _)| **slug != right);
    others
        .map(|(slug, call)| {
            let message = format!("`{slug}` and `{right}` both publish `{topic}`, which has one publisher at a time");
            let finding = Finding::new(slug, call.location.clone(), message).topic(topic).role("publish");
            let finding = finding.label("the second publisher").related(calls[right].location.clone(), "the first one");
            finding.help(format!("enable one of the two in each composition, or take `exclusive` off `{topic}`"))
        })
        .collect()
}
