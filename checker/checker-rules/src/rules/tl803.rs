//! TL803: one handler does too much.

use crate::finding::Finding;
use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_graph::PluginView;
use contract_parse::{Fact, FactKind, TopicValue};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) const RULE: Rule = Rule {
    id: "TL803",
    name: "handler-too-broad",
    severity: Severity::Warning,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl803.md"),
    check: Check::Plugin(check),
};

/// The most topics that one handler may hear.
const TOPICS_MAX: usize = 20;

fn check(view: PluginView<'_>) -> Vec<Finding> {
    let mut handlers: BTreeMap<&str, (BTreeSet<&str>, &Fact)> = BTreeMap::new();
    for fact in view.running(FactKind::Subscribe) {
        let code = fact.handler_code.as_ref().map(|code| code.text.as_str());
        let (Some(handler), Some(TopicValue::Exact(names))) = (fact.handler.as_deref().or(code), &fact.topic) else {
            continue;
        };
        handlers.entry(handler).or_insert((BTreeSet::new(), fact)).0.extend(names.iter().map(String::as_str));
    }
    let broad = handlers.into_values().filter(|(topics, _)| topics.len() > TOPICS_MAX);
    broad
        .map(|(topics, fact)| {
            let message = format!("one handler of `{}` hears {} topics", view.slug(), topics.len());
            let finding = Finding::new(view.slug(), fact.location.clone(), message).role("handler");
            let finding =
                finding.symbol(fact.handler.as_deref().unwrap_or_default()).label("hears too much to be one thing");
            finding.help("split it by what the topics mean, or subscribe to a pattern")
        })
        .collect()
}
