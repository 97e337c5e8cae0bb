//! TL202: an event that nobody hears.

use crate::context::Context;
use crate::finding::Finding;
use crate::rule::{Check, Rule};
use crate::wiring::{has_unknown_subscription, published};
use checker_report::Severity;
use contract_graph::PluginView;
use contract_model::manifest::{TopicKind, Visibility};
use std::collections::BTreeSet;

pub(crate) const RULE: Rule = Rule {
    id: "TL202",
    name: "unheard-publication",
    severity: Severity::Warning,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl202.md"),
    check: Check::Suite(check),
};

fn check(cx: &Context<'_>) -> Vec<Finding> {
    if has_unknown_subscription(cx.whole) {
        return Vec::new();
    }
    let replies = replies(cx);
    let mut seen = BTreeSet::new();
    published(cx.whole)
        .filter(|(topic, _)| !replies.contains(topic) && !cx.whole.is_request(topic) && !leaves_the_suite(cx, topic))
        .filter(|(topic, _)| cx.whole.consumers_of(topic).next().is_none())
        .filter(|(topic, emission)| seen.insert((emission.slug, *topic)))
        .map(|(topic, emission)| {
            let message = format!("`{}` publishes `{topic}`, and no plugin consumes it", emission.slug);
            let finding = Finding::new(emission.slug, emission.location.clone(), message).topic(topic).role("publish");
            finding
                .label("nobody hears this")
                .help("consume it, make it `visibility: public`, or allow it with a reason")
        })
        .collect()
}

/// Topics that answer a request; their requester hears them as the outcome.
fn replies<'a>(cx: &Context<'a>) -> BTreeSet<&'a str> {
    let manifests = cx.suite.views().filter_map(PluginView::manifest);
    let replies =
        manifests.flat_map(|manifest| manifest.topics.values()).filter_map(|contract| contract.replies.as_ref());
    let names = replies.flat_map(|replies| [Some(&replies.ok), replies.error.as_ref()]).flatten();
    names.map(|name| name.value.as_str()).collect()
}

fn leaves_the_suite(cx: &Context<'_>, topic: &str) -> bool {
    let contract = cx.whole.contract(topic).map(|owned| owned.contract);
    contract.is_some_and(|contract| contract.visibility == Visibility::Public || contract.kind == TopicKind::Reply)
}
