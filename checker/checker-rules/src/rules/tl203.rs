//! TL203: a dangling name that is nearly a known one.

use super::tl201::{published, repair};
use crate::context::Context;
use crate::finding::Finding;
use crate::rule::{Check, Rule};
use crate::wiring::dangling;
use checker_report::Severity;
use contract_graph::{Consumer, Graph};

pub(crate) const RULE: Rule = Rule {
    id: "TL203",
    name: "near-miss",
    severity: Severity::Error,
    since: "0.1.0",
    follows: Some("TL201"),
    text: include_str!("tl203.md"),
    check: Check::Composition(check),
};

fn check(cx: &Context<'_>, graph: &Graph<'_>) -> Vec<Finding> {
    dangling(cx, graph).into_iter().filter_map(|consumer| finding(cx, consumer)).collect()
}

fn finding(cx: &Context<'_>, consumer: &Consumer<'_>) -> Option<Finding> {
    let topic = consumer.topic.as_str();
    let meant = cx.nearest_topic(topic)?;
    let message = format!("`{topic}` is nobody's topic, but `{meant}` is");
    let finding = Finding::new(consumer.slug, consumer.location.clone(), message)
        .topic(topic)
        .label("nearly another name")
        .role("consume")
        .suggest(format!("did you mean `{meant}`?"), repair(cx, consumer, meant));
    Some(published(cx, finding, meant))
}
