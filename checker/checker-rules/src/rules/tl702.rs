//! TL702: a family of topics that the manifest does not declare.

use crate::context::Context;
use crate::finding::Finding;
use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_graph::{Emission, PluginView, Reach, Via};
use contract_model::TopicPattern;

pub(crate) const RULE: Rule = Rule {
    id: "TL702",
    name: "undeclared-pattern",
    severity: Severity::Warning,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl702.md"),
    check: Check::Suite(check),
};

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let in_code = cx.whole.emissions().filter(|emission| !matches!(emission.via, Via::Declared | Via::Unread));
    in_code.flat_map(|emission| undeclared(cx.suite.view(emission.plugin), emission)).collect()
}

fn undeclared(view: PluginView<'_>, emission: &Emission<'_>) -> Vec<Finding> {
    let patterns: Vec<&str> = match &emission.reach {
        Reach::Pattern(pattern) => vec![pattern],
        Reach::Vouched(patterns) => patterns.iter().map(String::as_str).filter(|name| name.contains('*')).collect(),
        Reach::Exact(_) | Reach::Unknown => Vec::new(),
    };
    patterns
        .into_iter()
        .filter(|pattern| !is_declared(view, pattern))
        .map(|pattern| finding(emission, pattern))
        .collect()
}

fn finding(emission: &Emission<'_>, pattern: &str) -> Finding {
    let message =
        format!("`{}` publishes something under `{pattern}`, which its manifest does not declare", emission.slug);
    let finding = Finding::new(emission.slug, emission.location.clone(), message)
        .topic(pattern)
        .role("publish")
        .label("only part of the name is known")
        .help(format!("declare the family: `publishes: [{{pattern: {pattern}, values: [...]}}]`"));
    match emission.fact {
        Some(fact) => finding.within(fact),
        None => finding,
    }
}

fn is_declared(view: PluginView<'_>, pattern: &str) -> bool {
    let Ok(pattern) = TopicPattern::new(pattern) else { return false };
    view.manifest().is_none_or(|manifest| manifest.publishes.iter().any(|entry| entry.value.topic.covers(&pattern)))
}
