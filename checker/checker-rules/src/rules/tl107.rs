//! TL107: two topic names differ only in case or separators.

use crate::context::Context;
use crate::finding::{Finding, renames};
use crate::nearest::fold;
use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_graph::{Topic, TopicUse};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) const RULE: Rule = Rule {
    id: "TL107",
    name: "topic-collision",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl107.md"),
    check: Check::Suite(check),
};

fn check(cx: &Context<'_>) -> Vec<Finding> {
    // Hardly any suite has a collision, and only then is it worth knowing where each name stands.
    let names = cx.whole.names();
    let folded: BTreeSet<String> = names.iter().map(|name| fold(name)).collect();
    if folded.len() == names.len() {
        return Vec::new();
    }
    let topics = cx.whole.topics();
    let mut groups: BTreeMap<String, Vec<&Topic<'_>>> = BTreeMap::new();
    for topic in &topics {
        groups.entry(fold(&topic.name)).or_default().push(topic);
    }
    groups.into_values().filter(|group| group.len() > 1).flat_map(|group| collisions(cx, group)).collect()
}

/// The name with a contract is the right one, else the one that is used most.
fn collisions(cx: &Context<'_>, mut group: Vec<&Topic<'_>>) -> Vec<Finding> {
    group
        .sort_by_key(|topic| (topic.places[0].0 != TopicUse::Owns, std::cmp::Reverse(topic.places.len()), &topic.name));
    let right = group[0];
    group[1..].iter().map(|wrong| collision(cx, right, wrong)).collect()
}

fn collision(cx: &Context<'_>, right: &Topic<'_>, wrong: &Topic<'_>) -> Finding {
    let (_, plugin, at) = &wrong.places[0];
    let message = format!("`{}` and `{}` differ only in case or separators", wrong.name, right.name);
    let places: Vec<_> = wrong.places.iter().map(|(_, _, at)| at).collect();
    Finding::new(plugin, at.clone(), message)
        .topic(&wrong.name)
        .label(format!("too close to `{}`", right.name))
        .related(right.places[0].2.clone(), "the other name")
        .suggest(format!("write `{}`", right.name), renames(cx, &places, &wrong.name, &right.name))
}
