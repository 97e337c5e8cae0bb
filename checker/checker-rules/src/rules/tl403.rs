//! TL403: a responder does not answer, on some path or on any.

use crate::context::Context;
use crate::finding::Finding;
use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_graph::{PluginView, Reach, Via};
use contract_model::manifest::{Replies, TopicContract};
use contract_parse::{Ending, EndingPath, FactKind, TopicValue};

pub(crate) const RULE: Rule = Rule {
    id: "TL403",
    name: "outcome-missing",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl403.md"),
    check: Check::Suite(check),
};

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for view in cx.suite.views() {
        let mut requests: Vec<(&str, &TopicContract)> = view
            .parsed
            .endings
            .iter()
            .flat_map(|ending| names(&ending.topic))
            .filter_map(|name| request(cx, name))
            .collect();
        requests.sort_unstable_by_key(|(name, _)| *name);
        requests.dedup_by_key(|(name, _)| *name);
        for (topic, contract) in requests {
            found.extend(judge(cx, view, topic, contract));
        }
    }
    found
}

fn names(topic: &TopicValue) -> impl Iterator<Item = &str> {
    let exact = if let TopicValue::Exact(names) = topic { Some(names) } else { None };
    exact.into_iter().flatten().map(String::as_str)
}

fn request<'a>(cx: &Context<'a>, name: &'a str) -> Option<(&'a str, &'a TopicContract)> {
    let contract = cx.whole.contract(name)?.contract;
    contract.replies.is_some().then_some((name, contract))
}

fn judge(cx: &Context<'_>, view: PluginView<'_>, topic: &str, contract: &TopicContract) -> Vec<Finding> {
    let endings: Vec<&Ending> =
        view.parsed.endings.iter().filter(|ending| names(&ending.topic).any(|name| name == topic)).collect();
    let Some(first) = endings.first() else { return Vec::new() };
    if !endings.iter().any(|ending| ending.answers) {
        return vec![silent(view, topic, first)];
    }
    // One handler of several may only listen; those that answer must always do.
    let open =
        endings.iter().filter(|ending| ending.answers).filter_map(|ending| Some((*ending, ending.open.first()?)));
    let paths = open.map(|(ending, path)| on_a_path(view, topic, ending, path));
    paths.chain(contract.replies.iter().flat_map(|replies| never(cx, view, topic, replies, first))).collect()
}

fn silent(view: PluginView<'_>, topic: &str, ending: &Ending) -> Finding {
    let message = format!("the handler of `{topic}` in `{}` never answers", view.slug());
    Finding::new(view.slug(), ending.location.clone(), message)
        .topic(topic)
        .role("never")
        .label("no path calls `e.reply` or `e.reject`")
        .help(
            "answer with `e.reply(payload)` or `e.reject(payload)` on every path; a `throw` has the event tried again",
        )
}

fn on_a_path(view: PluginView<'_>, topic: &str, ending: &Ending, path: &EndingPath) -> Finding {
    let how = if path.returns { "returns" } else { "ends" };
    let message =
        format!("the handler of `{topic}` in `{}` {how} at line {} without an answer", view.slug(), path.location.line);
    let mut finding = Finding::new(view.slug(), path.location.clone(), message)
        .topic(topic)
        .role("path")
        .severity(Severity::Warning)
        .label(format!("{how} here, and nothing has answered"));
    for (location, text) in &path.steps {
        finding = finding.related(location.clone(), text.as_str());
    }
    let finding = finding.related(ending.location.clone(), "the handler");
    match ending.open.len() {
        1 => finding.help("answer on this path too, or `throw` to have the event tried again"),
        more => finding.help(format!("answer on this path and on {} more like it, or `throw`", more - 1)),
    }
}

/// Outcomes that the contract promises and no call gives.
fn never(cx: &Context<'_>, view: PluginView<'_>, topic: &str, replies: &Replies, ending: &Ending) -> Vec<Finding> {
    let about = |value: &Option<TopicValue>| value.as_ref().is_some_and(|value| names(value).any(|name| name == topic));
    let given: Vec<&str> = view
        .running(FactKind::Reply)
        .filter(|fact| about(&fact.topic))
        .filter_map(|fact| fact.detail.get("outcome").map(String::as_str))
        .collect();
    // Where the event goes out of sight, so may its answers.
    let hidden = view.parsed.opaque.iter().any(|one| about(&Some(one.topic.clone())) && one.why.contains("event"));
    if given.is_empty() || hidden || !view.is_complete() {
        return Vec::new();
    }
    let ok = ("ok", "e.reply", Some(&replies.ok.value));
    let error = ("error", "e.reject", replies.error.as_ref().map(|error| &error.value));
    [ok, error]
        .into_iter()
        .filter(|(outcome, ..)| !given.contains(outcome))
        .filter_map(|(outcome, call, name)| Some((outcome, call, name?.as_str())))
        .filter(|(.., name)| !may_publish(cx, view, name))
        .map(|(outcome, call, name)| unpromised(view, topic, ending, outcome, call, name))
        .collect()
}

fn may_publish(cx: &Context<'_>, view: PluginView<'_>, name: &str) -> bool {
    let mut own = cx.whole.emissions_by(view.index).iter().filter(|emission| emission.via != Via::Reply);
    own.any(|emission| !matches!(emission.reach, Reach::Exact(_)) || emission.reach.surely(name))
}

fn unpromised(view: PluginView<'_>, topic: &str, ending: &Ending, outcome: &str, call: &str, name: &str) -> Finding {
    let message = format!("`{topic}` declares the {outcome} reply `{name}`, and `{}` never gives it", view.slug());
    Finding::new(view.slug(), ending.location.clone(), message)
        .topic(topic)
        .role(outcome)
        .label(format!("no path calls `{call}`"))
        .help(format!(
            "answer with `{call}(payload)` where it applies, or take `{outcome}` out of the contract's `replies`"
        ))
}
