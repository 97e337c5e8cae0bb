//! TL401: a request that nobody answers.

use crate::context::Context;
use crate::finding::{Finding, renames};
use crate::nearest::NameIndex;
use crate::rule::{Check, Rule};
use crate::wiring::{has_unknown_subscription, published};
use checker_report::Severity;
use contract_graph::{Consumer, Emission, Graph, PluginView, Via};
use contract_model::manifest::{TopicKind, Visibility};
use std::collections::BTreeSet;

pub(crate) const RULE: Rule = Rule {
    id: "TL401",
    name: "request-without-responder",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl401.md"),
    check: Check::Composition(check),
};

fn check(cx: &Context<'_>, graph: &Graph<'_>) -> Vec<Finding> {
    let mut seen = BTreeSet::new();
    let unanswered: Vec<_> = published(graph)
        .filter(|(topic, emission)| emission.via == Via::Request || graph.is_request(topic))
        .filter(|(topic, _)| graph.responders(topic).is_empty() && cx.suite.external(topic).is_none())
        .filter(|(topic, emission)| seen.insert((emission.slug, *topic)))
        .collect();
    let mut found = open_to_clients(cx, graph);
    if !unanswered.is_empty() {
        let answered = answered(cx);
        let unsure = has_unknown_subscription(graph);
        found.extend(unanswered.into_iter().map(|(topic, emission)| match unread_responder(graph, topic) {
            Some(consumer) => unread(cx, consumer, topic, emission),
            None => match graph.unread().next() {
                Some(view) => unread_manifest(cx, view, topic, emission),
                None => finding(cx, &answered, unsure, topic, emission),
            },
        }));
    }
    found
}

/// Who says in its manifest that it takes this request, and has code that was not read whole.
fn unread_responder<'g, 'a>(graph: &'g Graph<'a>, topic: &'g str) -> Option<&'g Consumer<'a>> {
    let is_unread = |consumer: &&Consumer<'_>| !graph.suite().view(consumer.plugin).is_complete();
    graph.consumers_of(topic).filter(|consumer| consumer.hears_by_name(topic)).find(is_unread)
}

fn unread(cx: &Context<'_>, consumer: &Consumer<'_>, topic: &str, emission: &Emission<'_>) -> Finding {
    let because = format!("`{}` takes the request, and not all of its code could be read", consumer.slug);
    unknown(cx, topic, emission).related(consumer.location.clone(), because)
}

fn unread_manifest(cx: &Context<'_>, view: PluginView<'_>, topic: &str, emission: &Emission<'_>) -> Finding {
    unknown(cx, topic, emission).related(view.top(), format!("`{}` may, and its manifest cannot be read", view.slug()))
}

fn unknown(cx: &Context<'_>, topic: &str, emission: &Emission<'_>) -> Finding {
    let message = format!("whether anybody answers `{topic}`, which `{}` requests, is not known", emission.slug);
    let finding = Finding::new(emission.slug, emission.location.clone(), message).topic(topic).role("request");
    finding.severity(cx.unproven())
}

/// Requests that some plugin of the suite answers.
fn answered(cx: &Context<'_>) -> NameIndex {
    let heard = cx.whole.consumers().map(|consumer| consumer.topic.as_str());
    NameIndex::new(heard.filter(|name| cx.whole.is_request(name)))
}

/// Requests that only clients outside may make are waited for no less.
fn open_to_clients(cx: &Context<'_>, graph: &Graph<'_>) -> Vec<Finding> {
    let contracts = graph.plugins().flat_map(|view| {
        let topics = view.manifest().map(|manifest| manifest.topics.values()).into_iter().flatten();
        topics.map(move |contract| (view, contract))
    });
    contracts
        .filter(|(_, contract)| contract.kind == TopicKind::Request && contract.visibility == Visibility::Public)
        .filter(|(_, contract)| graph.responders(contract.name.value.as_str()).is_empty())
        .filter(|(_, contract)| !is_published(graph, contract.name.value.as_str()))
        .map(|(view, contract)| {
            let topic = contract.name.value.as_str();
            let message = format!("clients may request `{topic}`, and no plugin answers it");
            let finding = Finding::new(view.slug(), view.at(contract.name.span), message).topic(topic).role("request");
            let finding = finding.label("`visibility: public` lets clients outside ask this").help(format!(
                "answer it with `$app.onEvent('{topic}', e => e.reply(…))`, or make it `visibility: suite`"
            ));
            let unread = unread_responder(graph, topic).is_some() || graph.unread().next().is_some();
            if unread { finding.severity(cx.unproven()) } else { finding }
        })
        .collect()
}

fn is_published(graph: &Graph<'_>, topic: &str) -> bool {
    graph.emissions_of(topic).any(|emission| emission.reach.surely(topic))
}

fn finding(cx: &Context<'_>, answered: &NameIndex, unsure: bool, topic: &str, emission: &Emission<'_>) -> Finding {
    let message = format!("`{}` requests `{topic}`, and no plugin answers it", emission.slug);
    let mut finding = Finding::new(emission.slug, emission.location.clone(), message)
        .topic(topic)
        .role("request")
        .label("this waits for an answer that never comes");
    if unsure {
        finding = finding.severity(cx.unproven());
    }
    if let Some(other) = cx.whole.responders(topic).first() {
        let help = format!("enable `{}`, which answers it", other.slug);
        return finding.related(other.location.clone(), "answered here").help(help);
    }
    match answered.nearest(topic) {
        Some(meant) => {
            let edits = renames(cx, &[&emission.location], topic, meant);
            finding.suggest(format!("did you mean `{meant}`?"), edits)
        }
        None => finding.help(format!("answer it with `$app.onEvent('{topic}', e => e.reply(…))`")),
    }
}
