//! TL408: requests that wait for each other.

use crate::context::Context;
use crate::finding::Finding;
use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_graph::{Graph, Wait};
use contract_parse::Guard;

pub(crate) const RULE: Rule = Rule {
    id: "TL408",
    name: "wait-cycle",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl408.md"),
    check: Check::Composition(check),
};

fn check(_: &Context<'_>, graph: &Graph<'_>) -> Vec<Finding> {
    graph.wait_cycles().iter().filter_map(|cycle| finding(cycle)).collect()
}

fn finding(cycle: &[Wait<'_, '_>]) -> Option<Finding> {
    let first = cycle.first()?;
    let mut names: Vec<&str> = cycle.iter().map(|wait| wait.answering.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let message = if let [one] = names.as_slice() {
        format!("the handler of `{one}` requests `{one}` again")
    } else {
        let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        format!("answering {} takes each other's answers", quoted.join(" and "))
    };
    let mut finding = Finding::new(first.by.slug, first.by.location.clone(), message)
        .topic(&first.asked)
        .role(names.join(" "))
        .label(format!("`{}` waits here for `{}`", first.answering, first.asked));
    for wait in &cycle[1..] {
        let text = format!("`{}` waits here for `{}`", wait.answering, wait.asked);
        finding = finding.related(wait.by.location.clone(), text);
    }
    // A condition on the way may end the circle; only then is it recursion.
    let guarded =
        cycle.iter().any(|wait| wait.by.fact.is_some_and(|fact| matches!(fact.guard, Guard::Branch | Guard::Config)));
    if guarded {
        finding = finding.severity(Severity::Warning);
    }
    Some(finding.help("let one side publish and go on, without waiting for the other's answer"))
}
