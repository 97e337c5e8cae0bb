//! TL209: a pattern under which nothing is published.

use crate::context::Context;
use crate::finding::Finding;
use crate::rule::{Check, Rule};
use crate::wiring::is_dangling;
use checker_report::Severity;
use contract_graph::Graph;

pub(crate) const RULE: Rule = Rule {
    id: "TL209",
    name: "wildcard-matches-nothing",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl209.md"),
    check: Check::Composition(check),
};

fn check(_: &Context<'_>, graph: &Graph<'_>) -> Vec<Finding> {
    let patterns = graph.consumers().filter(|consumer| consumer.is_pattern() && !consumer.is_optional());
    patterns
        .filter(|consumer| is_dangling(graph, &consumer.topic))
        .map(|consumer| {
            let message =
                format!("`{}` consumes `{}`, and nothing is published under it", consumer.slug, consumer.topic);
            let finding = Finding::new(consumer.slug, consumer.location.clone(), message).topic(&consumer.topic);
            finding
                .role("consume")
                .label("matches nothing")
                .help("correct the pattern, or mark it `optional: true` with a reason")
        })
        .collect()
}
