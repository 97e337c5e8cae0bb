//! TL210: a pattern that hears more than a plugin can mean.

use crate::context::Context;
use crate::finding::Finding;
use crate::rule::{Check, Rule};
use crate::wiring::tags;
use checker_report::Severity;
use contract_graph::Consumer;
use contract_model::manifest::Visibility;
use contract_model::topic::pattern_matches;

pub(crate) const RULE: Rule = Rule {
    id: "TL210",
    name: "wildcard-too-broad",
    severity: Severity::Warning,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl210.md"),
    check: Check::Suite(check),
};

/// The most topics of other plugins that a pattern may cover.
const TOPICS_MAX: usize = 25;
/// The tag of plugins whose business is to hear everything.
const OBSERVER: &str = "observer";

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let patterns = cx.whole.consumers().filter(|consumer| consumer.is_pattern());
    let patterns: Vec<&Consumer<'_>> =
        patterns.filter(|consumer| !tags(cx.whole, consumer.slug).iter().any(|tag| tag == OBSERVER)).collect();
    if patterns.is_empty() {
        return Vec::new();
    }
    let names: Vec<String> = cx.whole.topics().into_iter().map(|topic| topic.name).collect();
    patterns.into_iter().filter_map(|consumer| finding(cx, consumer, &names)).collect()
}

fn finding(cx: &Context<'_>, consumer: &Consumer<'_>, names: &[String]) -> Option<Finding> {
    let pattern = consumer.topic.as_str();
    let foreign: Vec<&str> = names
        .iter()
        .map(String::as_str)
        .filter(|name| pattern_matches(pattern, name) && cx.whole.owner(name) != Some(consumer.slug))
        .collect();
    let is_private =
        |name: &&&str| cx.whole.contract(name).is_some_and(|it| it.contract.visibility == Visibility::Private);
    let message = if let Some(private) = foreign.iter().find(is_private) {
        format!("`{pattern}` of `{}` also covers `{private}`, which is private to another plugin", consumer.slug)
    } else if pattern == "**" || foreign.len() > TOPICS_MAX {
        format!("`{pattern}` of `{}` covers {} topics of other plugins", consumer.slug, foreign.len())
    } else {
        return None;
    };
    let finding = Finding::new(consumer.slug, consumer.location.clone(), message).topic(pattern).role("consume");
    let help =
        format!("name the topics it needs, or tag the plugin `{OBSERVER}` if hearing everything is its business");
    Some(finding.label("wider than anybody can mean").help(help))
}
