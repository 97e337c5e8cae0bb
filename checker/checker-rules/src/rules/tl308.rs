//! TL308: a subscription comes after the plugin has been loaded.

use crate::finding::Finding;
use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_graph::PluginView;
use contract_parse::{Fact, FactKind, Late, TopicValue};

pub(crate) const RULE: Rule = Rule {
    id: "TL308",
    name: "late-subscription",
    severity: Severity::Warning,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl308.md"),
    check: Check::Plugin(check),
};

fn check(view: PluginView<'_>) -> Vec<Finding> {
    view.running(FactKind::Subscribe).filter_map(|fact| late(view, fact)).collect()
}

fn late(view: PluginView<'_>, fact: &Fact) -> Option<Finding> {
    let (how, label) = match fact.late? {
        Late::AfterAwait => ("after an `await`", "events before that moment pass by"),
        Late::InHandler => ("in code that runs later", "the plugin is loaded by then"),
    };
    let topic = match &fact.topic {
        Some(TopicValue::Exact(names)) => names.first().cloned(),
        Some(TopicValue::Pattern(pattern)) => Some(pattern.clone()),
        _ => None,
    };
    let about = topic.as_ref().map(|topic| format!(" to `{topic}`")).unwrap_or_default();
    let message = format!("`{}` subscribes{about} {how}", view.slug());
    let finding = Finding::new(view.slug(), fact.location.clone(), message).role("subscribe").within(fact).label(label);
    let finding = if let Some(topic) = &topic { finding.topic(topic) } else { finding };
    Some(finding.help("subscribe at the top level of a module, before anything is awaited"))
}
