//! TL309: one plugin subscribes twice with the same handler.

use crate::finding::Finding;
use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_graph::PluginView;
use contract_parse::{Fact, FactKind, TopicValue};
use std::collections::BTreeMap;

pub(crate) const RULE: Rule = Rule {
    id: "TL309",
    name: "duplicate-subscription",
    severity: Severity::Warning,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl309.md"),
    check: Check::Plugin(check),
};

/// Topic, handler and consumer group: what makes two subscriptions the same.
type Identity<'a> = (&'a str, &'a str, Option<&'a str>);

fn check(view: PluginView<'_>) -> Vec<Finding> {
    let mut first: BTreeMap<Identity<'_>, &Fact> = BTreeMap::new();
    let mut found = Vec::new();
    for fact in view.running(FactKind::Subscribe) {
        for identity in identities(fact) {
            match first.get(&identity).filter(|other| other.location != fact.location) {
                Some(other) => found.push(finding(view, identity.0, fact, other)),
                None => _ = first.entry(identity).or_insert(fact),
            }
        }
    }
    found
}

/// Handlers of one text do the same; one that is named by option or by function is known by its name.
fn identities(fact: &Fact) -> Vec<Identity<'_>> {
    let Some(handler) = fact.handler.as_deref().or(fact.handler_code.as_ref().map(|code| code.text.as_str())) else {
        return Vec::new();
    };
    let group = fact.options.get("group").map(String::as_str);
    match &fact.topic {
        Some(TopicValue::Exact(names)) => names.iter().map(|name| (name.as_str(), handler, group)).collect(),
        Some(TopicValue::Pattern(pattern)) => vec![(pattern, handler, group)],
        Some(TopicValue::Unknown(_)) | None => Vec::new(),
    }
}

fn finding(view: PluginView<'_>, topic: &str, fact: &Fact, other: &Fact) -> Finding {
    let message = format!("`{}` subscribes to `{topic}` twice with the same handler", view.slug());
    let finding = Finding::new(view.slug(), fact.location.clone(), message).topic(topic).role("subscribe").within(fact);
    let finding = finding.label("the second time").related(other.location.clone(), "the first time");
    finding.help("take one of them out, or give them different handlers or groups")
}
