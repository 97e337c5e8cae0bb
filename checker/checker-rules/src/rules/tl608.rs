//! TL608: a handler has another identity now, so its waiting events find nobody.

use crate::context::Context;
use crate::finding::Finding;
use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_graph::{Evolution, PluginView};
use contract_parse::{Fact, FactKind, TopicValue};
use std::collections::BTreeMap;

pub(crate) const RULE: Rule = Rule {
    id: "TL608",
    name: "durable-handler-renamed",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl608.md"),
    check: Check::Evolution(check),
};

/// The handlers of one plugin by what they hear and by what their cursors go by.
type Handlers<'a> = BTreeMap<String, BTreeMap<&'a str, &'a Fact>>;

fn check(_: &Context<'_>, evolution: &Evolution<'_>) -> Vec<Finding> {
    evolution.plugins().flat_map(|(before, after)| renamed(before, after)).collect()
}

fn renamed(before: PluginView<'_>, after: PluginView<'_>) -> Vec<Finding> {
    let (old, new) = (handlers(before), handlers(after));
    let mut found = Vec::new();
    for (topic, were) in &old {
        let Some(are) = new.get(topic) else { continue };
        let gone = were.keys().filter(|identity| !are.contains_key(*identity));
        let came: Vec<_> = are.iter().filter(|(identity, _)| !were.contains_key(*identity)).collect();
        for identity in gone {
            let takes_over = came.iter().any(|(_, fact)| formerly(fact).any(|name| name == *identity));
            if let (false, Some((name, fact))) = (takes_over, came.first()) {
                found.push(finding(after, topic, identity, name, fact));
            }
        }
    }
    found
}

fn finding(plugin: PluginView<'_>, topic: &str, old: &str, new: &str, fact: &Fact) -> Finding {
    let slug = plugin.slug();
    let message = format!(
        "the handler `{old}` of `{slug}` for `{topic}` is called `{new}` now: what waits for `{old}` finds nobody"
    );
    let finding = Finding::new(slug, fact.location.clone(), message).topic(topic).role(format!("handler {old}"));
    finding.label(format!("`{new}` starts anew")).help(format!("give it the option `formerly: \"{old}\"`"))
}

fn handlers(view: PluginView<'_>) -> Handlers<'_> {
    let mut all = Handlers::new();
    for fact in view.running(FactKind::Subscribe) {
        let topics: Vec<&str> = match &fact.topic {
            Some(TopicValue::Exact(names)) => names.iter().map(String::as_str).collect(),
            Some(TopicValue::Pattern(pattern)) => vec![pattern],
            _ => Vec::new(),
        };
        for topic in topics {
            // A group's cursor goes by the group, a handler's by its name, and without a name by the topic.
            let group = fact.options.get("group").map(String::as_str);
            let identity = group.or(fact.handler.as_deref()).unwrap_or(topic);
            all.entry(topic.to_owned()).or_default().insert(identity, fact);
        }
    }
    all
}

/// The names that a handler takes over.
fn formerly(fact: &Fact) -> impl Iterator<Item = &str> {
    let names = fact.options.get("formerly").map(String::as_str).unwrap_or_default();
    names.split(',').map(|name| name.trim_matches(|c: char| c.is_whitespace() || "[]\"'".contains(c)))
}
