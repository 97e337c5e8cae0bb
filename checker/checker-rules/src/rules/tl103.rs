//! TL103: a topic name breaks the grammar.

use crate::context::Context;
use crate::finding::{Finding, from_problems};
use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_model::TopicPattern;
use contract_parse::{Fact, FactKind, ProblemKind, TopicValue};

pub(crate) const RULE: Rule = Rule {
    id: "TL103",
    name: "bad-topic-name",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl103.md"),
    check: Check::Suite(check),
};

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let in_code =
        cx.suite.views().flat_map(|view| view.parsed.facts.iter().flat_map(move |fact| bad_names(view.slug(), fact)));
    from_problems(cx, &[ProblemKind::BadTopicName]).into_iter().chain(in_code).collect()
}

fn bad_names(plugin: &str, fact: &Fact) -> Vec<Finding> {
    let Some(TopicValue::Exact(names)) = &fact.topic else { return Vec::new() };
    let is_site = matches!(fact.kind, FactKind::Publish | FactKind::Subscribe | FactKind::Request);
    let wrong = names.iter().filter(|_| is_site).filter_map(|name| Some((name, TopicPattern::new(name).err()?)));
    wrong
        .map(|(name, error)| {
            Finding::new(plugin, fact.location.clone(), error.to_string()).topic(name).label(error.why).within(fact)
        })
        .collect()
}
