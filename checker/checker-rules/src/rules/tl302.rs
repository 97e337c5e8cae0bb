//! TL302: the code subscribes what the manifest does not consume.

use crate::finding::{Additions, Finding};
use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_graph::PluginView;
use contract_model::TopicPattern;
use contract_parse::{Fact, FactKind, TopicValue};

pub(crate) const RULE: Rule = Rule {
    id: "TL302",
    name: "subscribed-not-declared",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl302.md"),
    check: Check::Plugin(check),
};

fn check(view: PluginView<'_>) -> Vec<Finding> {
    if !view.knows("consumes") {
        return Vec::new();
    }
    let additions = Additions::to(view);
    view.running(FactKind::Subscribe).flat_map(|fact| undeclared(&additions, view, fact)).collect()
}

fn undeclared(additions: &Additions<'_>, view: PluginView<'_>, fact: &Fact) -> Vec<Finding> {
    let names: Vec<&str> = match &fact.topic {
        Some(TopicValue::Exact(names)) => names.iter().map(String::as_str).collect(),
        Some(TopicValue::Pattern(pattern)) => vec![pattern],
        Some(TopicValue::Unknown(_)) | None => Vec::new(),
    };
    names
        .into_iter()
        .filter(|topic| !is_declared(view, topic))
        .map(|topic| finding(additions, view, fact, topic))
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
        .suggest(format!("add `{topic}` to `consumes` in plugin.yaml"), additions.put_in("consumes", topic))
}

/// A plugin without a readable manifest is TL101's matter.
fn is_declared(view: PluginView<'_>, topic: &str) -> bool {
    let pattern = TopicPattern::new(topic).ok();
    view.manifest().is_none_or(|manifest| pattern.is_some_and(|pattern| manifest.may_consume(&pattern)))
}
