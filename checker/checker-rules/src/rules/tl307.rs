//! TL307: a subscription depends on a condition that the manifest does not mention.

use crate::context::Context;
use crate::finding::Finding;
use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_graph::Consumer;
use contract_parse::{Condition, Fact, Guard};
use std::collections::BTreeSet;

pub(crate) const RULE: Rule = Rule {
    id: "TL307",
    name: "conditional-subscription",
    severity: Severity::Warning,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl307.md"),
    check: Check::Suite(check),
};

fn check(cx: &Context<'_>) -> Vec<Finding> {
    cx.whole.consumers().filter_map(|consumer| finding(cx, consumer)).collect()
}

fn finding(cx: &Context<'_>, consumer: &Consumer<'_>) -> Option<Finding> {
    let entry = consumer.declared?;
    let fact = *consumer.sites.first()?;
    let is_conditional = |fact: &&Fact| matches!(fact.guard, Guard::Config | Guard::Branch);
    if !consumer.sites.iter().all(is_conditional)
        || entry.value.optional
        || !cx.suite.view(consumer.plugin).knows("consumes")
        || is_announced(entry.value.when.as_deref(), fact)
    {
        return None;
    }
    let topic = consumer.topic.as_str();
    let message =
        format!("`{}` subscribes to `{topic}` only under a condition, which its manifest does not say", consumer.slug);
    let mut finding =
        Finding::new(consumer.slug, fact.location.clone(), message).topic(topic).role("subscribe").within(fact);
    finding =
        finding.label("does not always happen").related(cx.suite.view(consumer.plugin).at(entry.span), "declared here");
    if let Some(condition) = conditions(fact).next() {
        finding = finding.related(condition.location.clone(), format!("the condition: `{}`", condition.text));
    }
    let keys: BTreeSet<&String> = conditions(fact).flat_map(|condition| &condition.config).collect();
    Some(finding.help(match keys.first() {
        Some(key) => format!("say so in the manifest: `- {{topic: {topic}, when: config.{key}}}`"),
        None => "subscribe always and decide in the handler, or declare the topic `optional: true`".to_owned(),
    }))
}

fn conditions(fact: &Fact) -> impl Iterator<Item = &Condition> {
    fact.conditions.iter().filter(|condition| matches!(condition.guard, Guard::Config | Guard::Branch))
}

/// Whether the manifest's `when` names a setting that the condition asks for.
fn is_announced(when: Option<&str>, fact: &Fact) -> bool {
    let key = when.map(|when| when.strip_prefix("config.").unwrap_or(when));
    key.is_some_and(|key| {
        conditions(fact).any(|condition| condition.config.contains(key) || condition.text.contains(key))
    })
}
