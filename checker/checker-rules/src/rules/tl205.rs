//! TL205: the only call that publishes a topic never runs.

use crate::context::Context;
use crate::finding::Finding;
use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_graph::{PluginView, can_run};
use contract_model::topic::pattern_matches;
use contract_parse::{Fact, FactKind, Guard, TopicValue};
use std::collections::BTreeMap;

pub(crate) const RULE: Rule = Rule {
    id: "TL205",
    name: "publisher-unreachable",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl205.md"),
    check: Check::Suite(check),
};

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let mut first: BTreeMap<(usize, &str), (PluginView<'_>, &Fact)> = BTreeMap::new();
    for view in cx.suite.views().filter(|view| view.has_code() && view.is_complete()) {
        for fact in view.parsed.facts.iter().filter(|fact| fact.kind == FactKind::Publish && !can_run(fact)) {
            let Some(TopicValue::Exact(names)) = &fact.topic else { continue };
            for name in names {
                first.entry((view.index, name)).or_insert((view, fact));
            }
        }
    }
    let missed = first.into_iter().filter(|((_, topic), (view, _))| is_missed(cx, *view, topic));
    missed.map(|((_, topic), (view, fact))| finding(cx, view, topic, fact)).collect()
}

/// Whether somebody counts on the topic, and nothing that runs may publish it.
fn is_missed(cx: &Context<'_>, view: PluginView<'_>, topic: &str) -> bool {
    let entries = view.manifest().map(|manifest| manifest.publishes.as_slice()).unwrap_or_default();
    let is_promised = entries.iter().flat_map(|entry| entry.value.names()).any(|name| pattern_matches(name, topic));
    let is_heard = cx.whole.consumers_of(topic).any(|consumer| !consumer.is_pattern());
    let may_happen = cx.whole.may_be_published(topic) || cx.whole.enters_from_outside(topic);
    (is_promised || is_heard) && !may_happen
}

fn finding(cx: &Context<'_>, view: PluginView<'_>, topic: &str, fact: &Fact) -> Finding {
    let why = if fact.guard == Guard::Test { "is part of a test" } else { "can never run" };
    let message = format!("the only call by which `{}` publishes `{topic}` {why}", view.slug());
    let finding = Finding::new(view.slug(), fact.location.clone(), message).topic(topic).role("publish").within(fact);
    let finding = finding.label(if fact.guard == Guard::Test { "only tests get here" } else { "nothing leads here" });
    let waiting = cx.whole.consumers_of(topic).filter(|consumer| !consumer.is_pattern()).map(|it| it.location.clone());
    let finding = waiting.fold(finding, |finding, at| finding.related(at, "waits for it here"));
    finding.help("call it from a verb, a job or a handler, or take the topic out of both manifests")
}
