//! TL303: the manifest publishes what the code does not.

use crate::context::Context;
use crate::finding::{Finding, taken_out};
use crate::rule::{Check, Rule};
use checker_report::{Edit, Severity};
use contract_graph::PluginView;
use contract_model::span::Span;

pub(crate) const RULE: Rule = Rule {
    id: "TL303",
    name: "declared-emit-not-published",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl303.md"),
    check: Check::Suite(check),
};

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let readable = cx.suite.views().filter(|view| view.has_code() && view.is_complete());
    readable.flat_map(|view| unpublished(cx, view)).collect()
}

fn unpublished(cx: &Context<'_>, view: PluginView<'_>) -> Vec<Finding> {
    let entries = view.manifest().map(|manifest| manifest.publishes.as_slice()).unwrap_or_default();
    let promised = entries.iter().flat_map(|entry| {
        let values = entry.value.values.iter().map(contract_model::TopicName::as_str);
        let pattern = Some(entry.value.topic.as_str()).filter(|_| entry.value.values.is_empty());
        values.chain(pattern).map(move |topic| (topic, entry.span))
    });
    promised
        .filter(|(topic, _)| !may_publish(cx, view, topic))
        .map(|(topic, span)| {
            let message = format!("`{}` declares that it publishes `{topic}`, but its code never does", view.slug());
            let finding = Finding::new(view.slug(), view.at(span), message).topic(topic).role("publish");
            finding
                .label("no publishing call in the code")
                .suggest("publish it, or take the line out", edits(view, topic, span))
        })
        .collect()
}

/// Whether some call of the plugin publishes it, or may for all that is known.
fn may_publish(cx: &Context<'_>, view: PluginView<'_>, topic: &str) -> bool {
    cx.whole.emissions_by(view.index).iter().any(|emission| emission.reach.maybe(topic))
}

/// The entry goes, unless it stands for several topics of which others are published.
fn edits(view: PluginView<'_>, topic: &str, entry: Span) -> Vec<Edit> {
    let entries = view.manifest().map(|manifest| manifest.publishes.as_slice()).unwrap_or_default();
    let alone =
        entries.iter().any(|one| one.span == entry && one.value.values.is_empty() && one.value.topic.as_str() == topic);
    if alone { taken_out(view, entry) } else { Vec::new() }
}
