//! TL405: a reply is published where no request is being handled.

use crate::context::Context;
use crate::finding::Finding;
use crate::rule::{Check, Rule};
use crate::wiring::published;
use checker_report::Severity;
use contract_graph::{Emission, PluginView, Via};
use contract_model::manifest::TopicKind;
use std::collections::BTreeMap;

pub(crate) const RULE: Rule = Rule {
    id: "TL405",
    name: "reply-without-request",
    severity: Severity::Warning,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl405.md"),
    check: Check::Suite(check),
};

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let asked = requests(cx);
    let plain = published(cx.whole).filter(|(_, emission)| emission.via == Via::Publish);
    let replies = plain.filter(|(topic, _)| is_reply(cx, topic));
    replies.filter_map(|(topic, emission)| finding(cx, &asked, topic, emission)).collect()
}

fn is_reply(cx: &Context<'_>, topic: &str) -> bool {
    cx.whole.contract(topic).is_some_and(|owned| owned.contract.kind == TopicKind::Reply)
}

/// The requests that each reply answers.
fn requests<'a>(cx: &Context<'a>) -> BTreeMap<&'a str, Vec<&'a str>> {
    let mut asked: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let manifests = cx.suite.views().filter_map(PluginView::manifest);
    for contract in manifests.flat_map(|manifest| manifest.topics.values()) {
        let replies = contract.replies.iter().flat_map(|it| [Some(&it.ok), it.error.as_ref()]).flatten();
        for reply in replies {
            asked.entry(reply.value.as_str()).or_default().push(contract.name.value.as_str());
        }
    }
    asked
}

fn finding<'a>(
    cx: &Context<'a>,
    asked: &BTreeMap<&str, Vec<&str>>,
    topic: &str,
    emission: &Emission<'a>,
) -> Option<Finding> {
    let fact = emission.fact?;
    // Code that several handlers share may well run for the request.
    let within = fact.within.as_deref()?;
    let requests = asked.get(topic).map(Vec::as_slice).unwrap_or_default();
    let triggers = cx.whole.triggers(emission).unwrap_or_default();
    if triggers.iter().any(|trigger| *trigger == "**" || requests.contains(trigger)) {
        return None;
    }
    let message = format!("`{}` publishes the reply `{topic}` in `{within}`, where nobody has asked", emission.slug);
    let finding = Finding::new(emission.slug, emission.location.clone(), message).topic(topic).role("publish");
    let finding = finding.within(fact).label("answers no request");
    let owned = cx.whole.contract(topic)?;
    let finding = finding.related(owned.plugin.at(owned.contract.name.span), "a reply by its contract");
    Some(finding.help("answer with `e.reply` in the request's handler, or make the topic `kind: event`"))
}
