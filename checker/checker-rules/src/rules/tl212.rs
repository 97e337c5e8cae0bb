//! TL212: an optional subscription without a publisher.

use crate::context::Context;
use crate::finding::Finding;
use crate::rule::{Check, Rule};
use crate::wiring::is_dangling;
use checker_report::Severity;
use contract_graph::Graph;

pub(crate) const RULE: Rule = Rule {
    id: "TL212",
    name: "optional-absent",
    severity: Severity::Info,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl212.md"),
    check: Check::Composition(check),
};

fn check(_: &Context<'_>, graph: &Graph<'_>) -> Vec<Finding> {
    let optional = graph.consumers().filter(|consumer| consumer.is_optional());
    optional
        .filter(|consumer| is_dangling(graph, &consumer.topic))
        .map(|consumer| {
            let message =
                format!("`{}` can do without `{}`, and nobody publishes it here", consumer.slug, consumer.topic);
            let finding = Finding::new(consumer.slug, consumer.location.clone(), message).topic(&consumer.topic);
            finding.role("consume").label("optional, and absent")
        })
        .collect()
}
