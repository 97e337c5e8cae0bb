//! TL402: a request that several plugins answer.

use crate::context::Context;
use crate::finding::Finding;
use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_graph::{Consumer, Graph};
use std::collections::BTreeSet;

pub(crate) const RULE: Rule = Rule {
    id: "TL402",
    name: "several-responders",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl402.md"),
    check: Check::Composition(check),
};

fn check(_: &Context<'_>, graph: &Graph<'_>) -> Vec<Finding> {
    let exact = graph.consumers().filter(|consumer| !consumer.is_pattern());
    let topics: BTreeSet<&str> = exact.map(|consumer| consumer.topic.as_str()).collect();
    topics.into_iter().filter(|topic| graph.is_request(topic)).flat_map(|topic| rivals(graph, topic)).collect()
}

/// The owner is the right responder where it answers at all, else the first one.
fn rivals(graph: &Graph<'_>, topic: &str) -> Vec<Finding> {
    let responders = graph.responders(topic);
    let owner = graph.owner(topic);
    let right = responders.iter().position(|one| Some(one.slug) == owner).unwrap_or(0);
    let rivals = responders.iter().enumerate().filter(|(at, _)| *at != right);
    rivals.map(|(_, rival)| finding(topic, rival, responders[right])).collect()
}

fn finding(topic: &str, rival: &Consumer<'_>, right: &Consumer<'_>) -> Finding {
    let message = format!("`{}` and `{}` both answer `{topic}`", rival.slug, right.slug);
    Finding::new(rival.slug, rival.location.clone(), message)
        .topic(topic)
        .role("respond")
        .label("a second answer to the same request")
        .related(right.location.clone(), "answered here too")
        .help("a request has one responder: enable one of them in each composition")
}
