//! TL804: plugins that cannot do without each other.

use crate::context::Context;
use crate::finding::Finding;
use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_graph::{Dependence, Graph, Tie};

pub(crate) const RULE: Rule = Rule {
    id: "TL804",
    name: "plugin-cycle",
    severity: Severity::Warning,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl804.md"),
    check: Check::Composition(check),
};

fn check(_: &Context<'_>, graph: &Graph<'_>) -> Vec<Finding> {
    graph.dependences().iter().filter_map(finding).collect()
}

fn finding(circle: &Dependence) -> Option<Finding> {
    let first = circle.ties.first()?;
    let names: Vec<String> = circle.plugins.iter().map(|slug| format!("`{slug}`")).collect();
    let message = format!("{} cannot do without each other", names.join(", "));
    let finding = Finding::new(&first.from, first.location.clone(), message).role(circle.plugins.join(" "));
    let finding = finding.label(needs(first));
    let others = circle.ties[1..].iter();
    let finding = others.fold(finding, |finding, tie| finding.related(tie.location.clone(), needs(tie)));
    Some(finding.help("make one side `optional: true` with a reason, or move what both need into a third plugin"))
}

fn needs(tie: &Tie) -> String {
    match &tie.topic {
        Some(topic) => format!("`{}` needs `{topic}` of `{}`", tie.from, tie.to),
        None => format!("`{}` requires `{}`", tie.from, tie.to),
    }
}
