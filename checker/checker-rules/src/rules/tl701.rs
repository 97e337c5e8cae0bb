//! TL701: a topic that the analysis cannot know.

use crate::finding::Finding;
use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_graph::PluginView;
use contract_parse::{Fact, FactKind, Provenance, TopicValue};

pub(crate) const RULE: Rule = Rule {
    id: "TL701",
    name: "unresolved-topic",
    severity: Severity::Warning,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl701.md"),
    check: Check::Plugin(check),
};

fn check(view: PluginView<'_>) -> Vec<Finding> {
    view.parsed.facts.iter().filter_map(|fact| unresolved(view.slug(), fact)).collect()
}

fn unresolved(plugin: &str, fact: &Fact) -> Option<Finding> {
    let verb = match fact.kind {
        FactKind::Publish => "publishes",
        FactKind::Request => "requests",
        FactKind::Subscribe => "subscribes to",
        _ => return None,
    };
    let Some(TopicValue::Unknown(why)) = fact.topic.as_ref().filter(|_| fact.provenance == Provenance::Extracted)
    else {
        return None;
    };
    let finding =
        Finding::new(plugin, fact.location.clone(), format!("what `{plugin}` {verb} here is not known: {why}"));
    let finding = finding.label("could be any topic").role(verb).within(fact);
    Some(finding.help("use a constant, or say it before the call: `/** @topics gl.order.* */`"))
}
