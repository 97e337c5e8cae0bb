//! TL801: a plugin consumes what the suite forbids it to.

use crate::context::Context;
use crate::finding::Finding;
use crate::rule::{Check, Rule};
use crate::wiring::{published, tags};
use checker_report::Severity;
use contract_graph::{is_pattern, overlap};
use contract_model::Location;
use contract_model::policy::{ForbiddenEdge, PluginSelector};
use contract_model::span::Spanned;
use contract_model::topic::pattern_matches;
use std::collections::BTreeMap;

pub(crate) const RULE: Rule = Rule {
    id: "TL801",
    name: "forbidden-edge",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl801.md"),
    check: Check::Suite(check),
};

fn check(cx: &Context<'_>) -> Vec<Finding> {
    if cx.suite.manifest.forbid.is_empty() {
        return Vec::new();
    }
    let uses = uses(cx);
    cx.suite.manifest.forbid.iter().flat_map(|entry| broken(cx, entry, &uses)).collect()
}

/// Plugin and topic or pattern with what it does there and where.
type Uses<'a> = BTreeMap<(&'a str, &'a str), (&'static str, &'a Location)>;

fn uses<'a>(cx: &'a Context<'_>) -> Uses<'a> {
    let mut uses = Uses::new();
    for consumer in cx.whole.consumers() {
        uses.entry((consumer.slug, &consumer.topic)).or_insert(("consumes", &consumer.location));
    }
    for (topic, emission) in published(cx.whole).filter(|(topic, _)| cx.whole.is_request(topic)) {
        uses.entry((emission.slug, topic)).or_insert(("requests", &emission.location));
    }
    uses
}

fn broken(cx: &Context<'_>, entry: &Spanned<ForbiddenEdge>, uses: &Uses<'_>) -> Vec<Finding> {
    let rule = &entry.value;
    uses.iter()
        .filter(|((plugin, _), _)| selects(cx, &rule.to, plugin) && !selects(cx, &rule.except, plugin))
        .filter_map(|((plugin, topic), (verb, at))| {
            let hit = forbidden_topic(cx, rule, plugin, topic)?;
            let message = format!("`{plugin}` {verb} `{topic}`, which suite.yaml forbids it to");
            let mut finding = Finding::new(plugin, (*at).clone(), message).topic(&hit).role(*verb);
            finding = finding.label("forbidden here").related(cx.suite.at(entry.span), "forbidden by this rule");
            let reason = rule.reason.as_deref().unwrap_or("the suite keeps these plugins apart");
            Some(finding.help(format!("{reason}; use a topic it may see, or add the plugin to `except`")))
        })
        .collect()
}

/// The topic of a use that a rule speaks of: itself, or one under its pattern. A plugin may use its own topics.
fn forbidden_topic(cx: &Context<'_>, rule: &ForbiddenEdge, plugin: &str, used: &str) -> Option<String> {
    let speaks = |topic: &str, owner: &str| {
        let of_owner = rule.from.is_empty() || selects(cx, &rule.from, owner);
        let of_topic = rule.topic.as_ref().is_none_or(|pattern| overlap(pattern.as_str(), topic));
        owner != plugin && of_owner && of_topic
    };
    if !is_pattern(used) {
        return speaks(used, owner(cx, used)).then(|| used.to_owned());
    }
    let names = cx.suite.views().filter_map(contract_graph::PluginView::manifest).flat_map(|m| m.topics.keys());
    let mut under = names.map(contract_model::TopicName::as_str).filter(|name| pattern_matches(used, name));
    under.find(|name| speaks(name, owner(cx, name))).map(|_| used.to_owned())
}

/// The owner of a topic, by its contract or else by its name.
fn owner<'t>(cx: &'t Context<'_>, topic: &'t str) -> &'t str {
    cx.whole.owner(topic).unwrap_or_else(|| topic.split('.').next().unwrap_or_default())
}

fn selects(cx: &Context<'_>, selectors: &[Spanned<PluginSelector>], plugin: &str) -> bool {
    selectors.iter().any(|selector| selector.value.selects(plugin, tags(cx.whole, plugin)))
}
