//! TL110: a plugin needs another and does not say so.

use crate::context::Context;
use crate::finding::Finding;
use crate::rule::{Check, Rule};
use crate::wiring::published;
use checker_report::Severity;
use contract_model::Location;
use contract_model::Manifest;
use std::collections::BTreeMap;

pub(crate) const RULE: Rule = Rule {
    id: "TL110",
    name: "missing-dependency",
    severity: Severity::Warning,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl110.md"),
    check: Check::Suite(check),
};

/// The first use of another plugin's topics by a plugin: which topic, what it does with it, and where.
type Needs<'a> = BTreeMap<(&'a str, &'a str), (&'a str, &'static str, &'a Location)>;

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let mut needs = Needs::new();
    for consumer in cx.whole.consumers().filter(|consumer| !consumer.is_optional() && !consumer.is_pattern()) {
        if let Some(owner) = cx.whole.owner(&consumer.topic) {
            let need = (consumer.topic.as_str(), "consumes", &consumer.location);
            needs.entry((consumer.slug, owner)).or_insert(need);
        }
    }
    for (topic, emission) in published(cx.whole).filter(|(topic, _)| cx.whole.is_request(topic)) {
        if let Some(owner) = cx.whole.owner(topic) {
            needs.entry((emission.slug, owner)).or_insert((topic, "requests", &emission.location));
        }
    }
    let unsaid = needs.into_iter().filter(|((plugin, owner), _)| plugin != owner && !says(cx, plugin, owner));
    unsaid.map(|((plugin, owner), (topic, verb, at))| finding(cx, plugin, owner, (topic, verb, at))).collect()
}

fn says(cx: &Context<'_>, plugin: &str, owner: &str) -> bool {
    let manifest = cx.whole.plugin(plugin).and_then(contract_graph::PluginView::manifest);
    manifest.is_none_or(|manifest| {
        !manifest.knows("requires") || manifest.requires.contains_key(owner) || optional(manifest, owner)
    })
}

/// Whether all that the manifest consumes of the owner may be absent.
fn optional(manifest: &Manifest, owner: &str) -> bool {
    let of_owner = |entry: &&contract_model::Spanned<contract_model::manifest::Consumes>| {
        entry.value.topic.as_str().split('.').next() == Some(owner)
    };
    let mut entries = manifest.consumes.iter().filter(of_owner).peekable();
    entries.peek().is_some() && entries.all(|entry| entry.value.optional)
}

fn finding(cx: &Context<'_>, plugin: &str, owner: &str, need: (&str, &'static str, &Location)) -> Finding {
    let (topic, verb, at) = need;
    let message = format!("`{plugin}` {verb} `{topic}` of `{owner}` without naming `{owner}` under `requires`");
    let finding = Finding::new(plugin, at.clone(), message).topic(topic).role(owner).label("cannot do without it");
    let version =
        cx.whole.plugin(owner).and_then(contract_graph::PluginView::manifest).map(|it| it.version.value.major);
    let range = version.map_or("*".to_owned(), |major| format!("^{major}"));
    finding.help(format!(
        "add `requires: {{{owner}: \"{range}\"}}`, or consume the topic as `optional: true` with a reason"
    ))
}
