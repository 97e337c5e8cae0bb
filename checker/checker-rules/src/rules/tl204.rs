//! TL204: the only publisher is not part of the composition.

use crate::context::Context;
use crate::finding::Finding;
use crate::rule::{Check, Rule};
use crate::wiring::{is_live, unpublished};
use checker_report::Severity;
use contract_graph::{Consumer, Emission, Graph};

pub(crate) const RULE: Rule = Rule {
    id: "TL204",
    name: "publisher-not-enabled",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl204.md"),
    check: Check::Composition(check),
};

fn check(cx: &Context<'_>, graph: &Graph<'_>) -> Vec<Finding> {
    let elsewhere = unpublished(cx, graph).into_iter().filter(|consumer| is_live(cx.whole, &consumer.topic));
    elsewhere.map(|consumer| finding(cx, consumer)).collect()
}

fn finding(cx: &Context<'_>, consumer: &Consumer<'_>) -> Finding {
    let topic = consumer.topic.as_str();
    let publishers: Vec<&Emission<'_>> =
        cx.whole.emissions_of(topic).filter(|emission| emission.reach.surely(topic)).collect();
    let mut slugs: Vec<String> = publishers.iter().map(|emission| format!("`{}`", emission.slug)).collect();
    slugs.dedup();
    let message =
        format!("`{}` consumes `{topic}`, but its publisher {} is not enabled", consumer.slug, slugs.join(" or "));
    let finding = Finding::new(consumer.slug, consumer.location.clone(), message)
        .topic(topic)
        .label("nothing arrives here in this composition")
        .role("consume")
        .help(format!("enable {}, or mark the topic `optional: true` with a reason", slugs.join(" or ")));
    publishers.iter().fold(finding, |finding, emission| finding.related(emission.location.clone(), "published here"))
}
