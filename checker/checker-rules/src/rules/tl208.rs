//! TL208: a plugin publishes what belongs to another.

use crate::context::Context;
use crate::finding::Finding;
use crate::rule::{Check, Rule};
use crate::wiring::published;
use checker_report::Severity;
use contract_graph::{Owned, PluginView};
use contract_model::Location;
use contract_model::manifest::TopicKind;
use std::collections::BTreeMap;

pub(crate) const RULE: Rule = Rule {
    id: "TL208",
    name: "foreign-namespace",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl208.md"),
    check: Check::Suite(check),
};

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let mut found: Vec<Finding> = cx.suite.views().flat_map(|view| foreign_contracts(cx, view)).collect();
    let mut places: BTreeMap<(&str, &str), Location> = BTreeMap::new();
    for (topic, emission) in published(cx.whole) {
        places.entry((emission.slug, topic)).or_insert_with(|| emission.location.clone());
    }
    let declared = cx.whole.declared_publications().flat_map(|(view, entry)| {
        let exact = entry.value.topic.as_exact();
        let names: Vec<String> = exact.iter().chain(&entry.value.values).map(ToString::to_string).collect();
        names.into_iter().map(move |name| (view, name, entry.span))
    });
    let declared: Vec<_> = declared.collect();
    for (view, topic, span) in &declared {
        places.entry((view.slug(), topic)).or_insert_with(|| view.at(*span));
    }
    found.extend(places.into_iter().filter_map(|((plugin, topic), at)| trespass(cx, plugin, topic, at)));
    found
}

/// Contracts under another plugin's name.
fn foreign_contracts(cx: &Context<'_>, view: PluginView<'_>) -> Vec<Finding> {
    let topics = view.manifest().map(|manifest| manifest.topics.values()).into_iter().flatten();
    topics
        .filter(|contract| contract.name.value.namespace() != view.slug())
        .map(|contract| {
            let topic = contract.name.value.as_str();
            let namespace = contract.name.value.namespace();
            let message =
                format!("`{}` claims the contract of `{topic}`, but `{namespace}.*` is not its namespace", view.slug());
            let finding = Finding::new(view.slug(), view.at(contract.name.span), message).topic(topic).role("own");
            let finding = finding.label(format!("belongs to `{namespace}`"));
            match cx.whole.plugin(namespace) {
                Some(owner) => finding.related(owner.top(), format!("the plugin `{namespace}`")),
                None => finding.help(format!("name it `{}.…`", view.slug())),
            }
        })
        .collect()
}

fn trespass(cx: &Context<'_>, plugin: &str, topic: &str, at: Location) -> Option<Finding> {
    let owner = match cx.whole.contract(topic) {
        Some(owned) if may_publish(plugin, owned) || !owned.plugin.knows("topics") => return None,
        Some(owned) => owned.plugin,
        // What a manifest that cannot be read grants is not known.
        None => cx.whole.plugin(topic.split('.').next()?).filter(|own| own.slug() != plugin && !own.is_unsure())?,
    };
    if cx.whole.is_request(topic) {
        return None;
    }
    let message = format!("`{plugin}` publishes `{topic}`, which belongs to `{}`", owner.slug());
    let finding =
        Finding::new(plugin, at, message).topic(topic).role("publish").label("only its owner may publish this");
    let contract = cx.whole.contract(topic).map(|owned| owned.plugin.at(owned.contract.name.span));
    let finding = finding.related(contract.unwrap_or_else(|| owner.top()), format!("owned by `{}`", owner.slug()));
    Some(
        finding.help(format!(
            "publish a topic of your own, or have `{}` grant it: `publishers: [{plugin}]`",
            owner.slug()
        )),
    )
}

fn may_publish(plugin: &str, owned: Owned<'_>) -> bool {
    owned.plugin.slug() == plugin
        || owned.contract.kind == TopicKind::Request
        || owned.contract.publishers.iter().any(|granted| granted.as_str() == plugin)
}
