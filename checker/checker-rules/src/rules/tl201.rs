//! TL201: a required subscription that nobody publishes.

use crate::context::Context;
use crate::finding::{Finding, renames};
use crate::rule::{Check, Rule};
use crate::wiring::dangling;
use checker_report::Severity;
use contract_graph::{Consumer, Graph};

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
        Some(meant) => finding.suggest(
            format!("did you mean `{meant}`?"),
            renames(cx, &places(cx, consumer).iter().collect::<Vec<_>>(), topic, meant),
        ),
        None => finding.help("publish it, name it `external` in suite.yaml, or mark it `optional: true` with a reason"),
    }
}

/// Every place at which the consumer names the topic.
pub(super) fn places(cx: &Context<'_>, consumer: &Consumer<'_>) -> Vec<contract_model::Location> {
    let declared = consumer.declared.map(|entry| cx.suite.view(consumer.plugin).at(entry.span));
    consumer.sites.iter().map(|fact| fact.location.clone()).chain(declared).collect()
}
