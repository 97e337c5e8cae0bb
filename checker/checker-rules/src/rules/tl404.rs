//! TL404: who makes a request hears when it went well, and nobody hears when it did not.

use crate::context::Context;
use crate::finding::Finding;
use crate::rule::{Check, Rule};
use crate::wiring::published;
use checker_report::Severity;
use contract_graph::{Emission, Graph, Via};
use contract_model::manifest::Replies;
use contract_parse::ResultUse;
use std::collections::BTreeMap;

pub(crate) const RULE: Rule = Rule {
    id: "TL404",
    name: "failure-ignored",
    severity: Severity::Warning,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl404.md"),
    check: Check::Composition(check),
};

fn check(cx: &Context<'_>, graph: &Graph<'_>) -> Vec<Finding> {
    let mut requests: BTreeMap<(&str, &str), Vec<&Emission<'_>>> = BTreeMap::new();
    for (topic, emission) in published(graph).filter(|(topic, _)| graph.is_request(topic)) {
        requests.entry((emission.slug, topic)).or_default().push(emission);
    }
    requests.into_iter().filter_map(|((plugin, topic), calls)| finding(cx, graph, plugin, topic, &calls)).collect()
}

fn finding(cx: &Context<'_>, graph: &Graph<'_>, plugin: &str, topic: &str, calls: &[&Emission<'_>]) -> Option<Finding> {
    let owned = cx.whole.contract(topic)?;
    let Replies { ok, error } = owned.contract.replies.as_ref()?;
    let (ok, error) = (ok.value.as_str(), error.as_ref()?.value.as_str());
    let call = calls.iter().find(|call| !hears_outcome(call))?;
    let hears_ok = graph.consumers_of(ok).any(|consumer| consumer.slug == plugin);
    if !hears_ok || graph.consumers_of(error).next().is_some() || graph.unread().next().is_some() {
        return None;
    }
    let message = format!("`{plugin}` requests `{topic}` and hears `{ok}`, but nobody hears `{error}`");
    let finding = Finding::new(plugin, call.location.clone(), message).topic(topic).role("request");
    let finding = finding.label("when this is refused, nobody knows");
    let finding = finding.related(owned.plugin.at(owned.contract.name.span), "names both replies");
    Some(finding.help(format!("consume `{error}`, or take both outcomes with `continue:` and `$app.onOutcome`")))
}

/// Whether the call itself asks for the outcome: by `continue`, or by what it does with the handle.
fn hears_outcome(call: &Emission<'_>) -> bool {
    let Some(fact) = call.fact.filter(|_| call.via == Via::Request) else { return false };
    fact.options.contains_key("continue") || matches!(fact.result, ResultUse::Used | ResultUse::Awaited)
}
