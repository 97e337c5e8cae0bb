//! TL705: an import that leads nowhere.

use crate::finding::{Finding, from_problem};
use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_graph::PluginView;
use contract_parse::{FactKind, ProblemKind};

pub(crate) const RULE: Rule = Rule {
    id: "TL705",
    name: "unresolved-import",
    severity: Severity::Warning,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl705.md"),
    check: Check::Plugin(check),
};

fn check(view: PluginView<'_>) -> Vec<Finding> {
    let problems = view.parsed.problems.iter().filter(|problem| problem.kind == ProblemKind::UnresolvedImport);
    problems
        .map(|problem| {
            let finding = from_problem(view.slug(), problem);
            if wires(view, &problem.location.file) { finding.severity(Severity::Error) } else { finding }
        })
        .collect()
}

/// Whether the module publishes or subscribes, so that what it failed to import may hold its topics.
fn wires(view: PluginView<'_>, file: &str) -> bool {
    let is_site = |kind| matches!(kind, FactKind::Publish | FactKind::Subscribe | FactKind::Request);
    view.parsed.facts.iter().any(|fact| is_site(fact.kind) && fact.location.file == file)
}
