//! TL108: a topic's name does not say what kind of thing it is.

use crate::finding::Finding;
use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_graph::PluginView;
use contract_model::manifest::{TopicContract, TopicKind};

pub(crate) const RULE: Rule = Rule {
    id: "TL108",
    name: "tense-style",
    severity: Severity::Info,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl108.md"),
    check: Check::Plugin(check),
};

/// Past participles that do not end in `ed`.
const IRREGULAR: &[&str] = &[
    "begun",
    "bought",
    "broken",
    "brought",
    "built",
    "chosen",
    "cut",
    "done",
    "drawn",
    "due",
    "found",
    "frozen",
    "given",
    "gone",
    "held",
    "hidden",
    "hit",
    "kept",
    "left",
    "lent",
    "lost",
    "made",
    "met",
    "overdue",
    "paid",
    "put",
    "read",
    "run",
    "seen",
    "sent",
    "set",
    "shut",
    "sold",
    "spent",
    "split",
    "taken",
    "thrown",
    "told",
    "undone",
    "unpaid",
    "won",
    "withdrawn",
    "written",
];

fn check(view: PluginView<'_>) -> Vec<Finding> {
    let contracts = view.manifest().map(|manifest| manifest.topics.values()).into_iter().flatten();
    contracts
        .filter_map(|contract| {
            let topic = contract.name.value.as_str();
            let (message, help) = complaint(contract)?;
            let finding = Finding::new(view.slug(), view.at(contract.name.span), message).topic(topic).role("own");
            Some(finding.label("reads like something else").help(help))
        })
        .collect()
}

fn complaint(contract: &TopicContract) -> Option<(String, &'static str)> {
    let topic = contract.name.value.as_str();
    let last = topic.rsplit('.').next().unwrap_or_default();
    let word = last.rsplit(['-', '_']).next().unwrap_or_default();
    match contract.kind {
        TopicKind::Request if last != "request" => Some((
            format!("the request `{topic}` does not end in `.request`"),
            "rename it, keeping the old name deprecated",
        )),
        TopicKind::Event if last == "request" => Some((
            format!("the event `{topic}` is named like a request"),
            "make it `kind: request`, or name what happened",
        )),
        TopicKind::Event if !word.ends_with("ed") && !IRREGULAR.contains(&word) => Some((
            format!("the event `{topic}` does not say in the past tense what happened"),
            "name what happened, such as `posted` or `paid`",
        )),
        _ => None,
    }
}
