//! TL301: the manifest consumes what the code does not subscribe.

use crate::context::Context;
use crate::finding::{Finding, taken_out};
use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_graph::PluginView;
use contract_graph::overlap;
use contract_model::manifest::Consumes;
use contract_parse::{Fact, FactKind, TopicValue};

pub(crate) const RULE: Rule = Rule {
    id: "TL301",
    name: "declared-consume-not-subscribed",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl301.md"),
    check: Check::Suite(check),
};

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let readable = cx.suite.views().filter(|view| view.has_code() && view.is_complete());
    readable.flat_map(|view| unsubscribed(cx, view)).collect()
}

fn unsubscribed(cx: &Context<'_>, view: PluginView<'_>) -> Vec<Finding> {
    let entries = view.manifest().map(|manifest| manifest.consumes.as_slice()).unwrap_or_default();
    entries
        .iter()
        .filter(|entry| !is_subscribed(view, &entry.value) && !is_outcome(cx, view, entry.value.topic.as_str()))
        .map(|entry| {
            let topic = entry.value.topic.as_str();
            let message =
                format!("`{}` declares that it consumes `{topic}`, but its code never subscribes to it", view.slug());
            let finding = Finding::new(view.slug(), view.at(entry.span), message).topic(topic).role("consume");
            finding.label("no subscription in the code").suggest(
                format!("subscribe with `$app.onEvent('{topic}', …)`, or take the line out"),
                taken_out(view, entry.span),
            )
        })
        .collect()
}

/// Whether some subscription hears it, or may for all that is known.
fn is_subscribed(view: PluginView<'_>, entry: &Consumes) -> bool {
    view.running(FactKind::Subscribe).any(|fact| match &fact.topic {
        Some(TopicValue::Exact(names)) => names.iter().any(|name| entry.topic.matches(name)),
        Some(TopicValue::Pattern(pattern)) => overlap(pattern, entry.topic.as_str()),
        Some(TopicValue::Unknown(_)) | None => true,
    })
}

/// Whether it is a reply to a request that this plugin makes: it arrives as the request's outcome.
fn is_outcome(cx: &Context<'_>, view: PluginView<'_>, topic: &str) -> bool {
    view.running(FactKind::Request).any(|request| answers(cx, request, topic))
}

fn answers(cx: &Context<'_>, request: &Fact, topic: &str) -> bool {
    let Some(TopicValue::Exact(names)) = &request.topic else { return false };
    names.iter().filter_map(|name| cx.whole.contract(name)?.contract.replies.as_ref()).any(|replies| {
        let error = replies.error.as_ref().is_some_and(|error| error.value.as_str() == topic);
        replies.ok.value.as_str() == topic || error
    })
}
