//! TL211: handlers that set each other off for ever.

use crate::context::Context;
use crate::finding::Finding;
use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_graph::{Graph, Loop};

pub(crate) const RULE: Rule = Rule {
    id: "TL211",
    name: "feedback-loop",
    severity: Severity::Warning,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl211.md"),
    check: Check::Composition(check),
};

fn check(_: &Context<'_>, graph: &Graph<'_>) -> Vec<Finding> {
    graph.loops().iter().filter_map(finding).collect()
}

fn finding(circle: &Loop) -> Option<Finding> {
    let (topic, plugin, at) = circle.steps.first()?;
    let way: Vec<&str> = circle.steps.iter().map(|(topic, ..)| topic.as_str()).chain([topic.as_str()]).collect();
    let message = format!("`{}` goes round without a condition on the way", way.join("` → `"));
    let finding = Finding::new(plugin, at.clone(), message).topic(topic).role("loop").label("sets itself off again");
    let others = circle.steps[1..].iter();
    let finding = others.fold(finding, |finding, (topic, plugin, at)| {
        finding.related(at.clone(), format!("`{plugin}` goes on from `{topic}` here"))
    });
    Some(finding.help("publish only under a condition that ends it, such as a state that has not changed yet"))
}
