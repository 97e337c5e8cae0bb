//! TL201: a required subscription that nobody publishes.

use crate::context::Context;
use crate::finding::{Finding, renames, taken_out};
use crate::rule::{Check, Rule};
use crate::wiring::dangling;
use checker_report::{Edit, Severity};
use contract_graph::{Consumer, Graph};
use contract_model::Location;

pub(crate) const RULE: Rule = Rule {
    id: "TL201",
    name: "dangling-subscription",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl201.md"),
    check: Check::Composition(check),
};

fn check(cx: &Context<'_>, graph: &Graph<'_>) -> Vec<Finding> {
    dangling(cx, graph).into_iter().map(|consumer| finding(cx, consumer)).collect()
}

fn finding(cx: &Context<'_>, consumer: &Consumer<'_>) -> Finding {
    let topic = consumer.topic.as_str();
    let message = format!("`{}` consumes `{topic}`, which no plugin publishes", consumer.slug);
    let mut finding = Finding::new(consumer.slug, consumer.location.clone(), message)
        .topic(topic)
        .label("nothing ever arrives here")
        .role("consume");
    if let Some(entry) = consumer.declared {
        finding = finding.related(cx.suite.view(consumer.plugin).at(entry.span), "declared here");
    }
    match cx.nearest_topic(topic) {
        Some(meant) => {
            published(cx, finding, meant).suggest(format!("did you mean `{meant}`?"), repair(cx, consumer, meant))
        }
        None => finding.help("publish it, name it `external` in suite.yaml, or mark it `optional: true` with a reason"),
    }
}

/// With the place that publishes the name that was meant.
pub(super) fn published(cx: &Context<'_>, finding: Finding, meant: &str) -> Finding {
    match cx.whole.emissions_of(meant).find(|emission| emission.reach.surely(meant)) {
        Some(emission) => finding.related(emission.location.clone(), format!("`{meant}` is published here")),
        None => finding,
    }
}

/// Puts the name that was meant wherever the consumer names the topic. An entry of the manifest goes where there is one
/// for that name already: renamed, it would be there twice.
pub(super) fn repair(cx: &Context<'_>, consumer: &Consumer<'_>, meant: &str) -> Vec<Edit> {
    let view = cx.suite.view(consumer.plugin);
    let entries = view.manifest().map(|manifest| manifest.consumes.as_slice()).unwrap_or_default();
    let is_there = entries.iter().any(|entry| entry.value.topic.as_str() == meant);
    let mut places: Vec<Location> = consumer.sites.iter().map(|fact| fact.location.clone()).collect();
    let mut edits = Vec::new();
    match consumer.declared {
        Some(entry) if is_there => edits = taken_out(view, entry.span),
        Some(entry) => places.push(view.at(entry.span)),
        None => {}
    }
    edits.extend(renames(cx, &places.iter().collect::<Vec<_>>(), &consumer.topic, meant));
    edits
}
