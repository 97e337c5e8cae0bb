//! TL302: the code subscribes what the manifest does not consume.

use crate::context::Context;
use crate::finding::{Additions, Finding, renames};
use crate::nearest::is_slip;
use crate::rule::{Check, Rule};
use crate::slip;
use checker_report::{Edit, Severity};
use contract_graph::PluginView;
use contract_model::TopicPattern;
use contract_model::manifest::Consumes;
use contract_parse::{Fact, FactKind, TopicValue};

pub(crate) const RULE: Rule = Rule {
    id: "TL302",
    name: "subscribed-not-declared",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl302.md"),
    check: Check::Suite(check),
};

fn check(cx: &Context<'_>) -> Vec<Finding> {
    cx.suite.views().filter(|view| view.knows("consumes")).flat_map(|view| of_plugin(cx, view)).collect()
}

fn of_plugin(cx: &Context<'_>, view: PluginView<'_>) -> Vec<Finding> {
    let additions = Additions::to(view);
    view.running(FactKind::Subscribe).flat_map(|fact| undeclared(cx, &additions, view, fact)).collect()
}

fn undeclared(cx: &Context<'_>, additions: &Additions<'_>, view: PluginView<'_>, fact: &Fact) -> Vec<Finding> {
    let names: Vec<&str> = match &fact.topic {
        Some(TopicValue::Exact(names)) => names.iter().map(String::as_str).collect(),
        Some(TopicValue::Pattern(pattern)) => vec![pattern],
        Some(TopicValue::Unknown(_)) | None => Vec::new(),
    };
    names
        .into_iter()
        .filter(|topic| !is_declared(view, topic))
        .map(|topic| repaired(cx, additions, view, fact, topic))
        .collect()
}

fn finding(additions: &Additions<'_>, view: PluginView<'_>, fact: &Fact, topic: &str) -> Finding {
    let message = format!("`{}` subscribes to `{topic}`, which its manifest does not consume", view.slug());
    Finding::new(view.slug(), fact.location.clone(), message)
        .topic(topic)
        .role("subscribe")
        .within(fact)
        .label("the bus refuses this subscription")
        .related(additions.place_of("consumes"), "not among `consumes`")
}

/// With its repair: the name that was mistyped in the code or in the manifest is renamed, else the manifest has one more.
fn repaired(cx: &Context<'_>, additions: &Additions<'_>, view: PluginView<'_>, fact: &Fact, topic: &str) -> Finding {
    let finding = finding(additions, view, fact, topic);
    let entries = view.manifest().map(|manifest| manifest.consumes.as_slice()).unwrap_or_default();
    if !topic.contains('*') && is_unknown(cx, topic) {
        if let Some(meant) = slip::meant(cx, topic, entries.iter().map(|entry| entry.value.topic.as_str())) {
            return did_you_mean(finding, meant, renames(cx, &[&fact.location], topic, meant));
        }
    } else if let Some(entry) = entries.iter().find(|entry| is_mistyped(cx, &entry.value, topic)) {
        let edits = renames(cx, &[&view.at(entry.span)], entry.value.topic.as_str(), topic);
        return did_you_mean(finding, topic, edits);
    }
    finding.suggest(format!("add `{topic}` to `consumes` in plugin.yaml"), additions.put_in("consumes", topic))
}

fn did_you_mean(finding: Finding, meant: &str, edits: Vec<Edit>) -> Finding {
    finding.suggest(format!("did you mean `{meant}`?"), edits)
}

/// Whether nobody owns, publishes or lets in a topic of this name.
fn is_unknown(cx: &Context<'_>, topic: &str) -> bool {
    !slip::is_owned(cx, topic) && cx.whole.emissions_of(topic).next().is_none()
}

/// Whether this is what the manifest has in the place of a topic.
fn is_mistyped(cx: &Context<'_>, entry: &Consumes, topic: &str) -> bool {
    let consumed = entry.topic.as_str();
    !consumed.contains('*') && !topic.contains('*') && is_slip(consumed, topic) && is_unknown(cx, consumed)
}

/// A plugin without a readable manifest is TL101's matter.
fn is_declared(view: PluginView<'_>, topic: &str) -> bool {
    let pattern = TopicPattern::new(topic).ok();
    view.manifest().is_none_or(|manifest| pattern.is_some_and(|pattern| manifest.may_consume(&pattern)))
}
