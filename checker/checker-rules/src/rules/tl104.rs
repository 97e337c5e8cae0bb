//! TL104: the same topic is declared twice in the same direction.

use crate::context::Context;
use crate::finding::{Finding, from_problems, taken_out};
use crate::rule::{Check, Rule};
use checker_report::{Severity, byte_range};
use contract_model::span::Span;
use contract_parse::ProblemKind;

pub(crate) const RULE: Rule = Rule {
    id: "TL104",
    name: "duplicate-declaration",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl104.md"),
    check: Check::Suite(check),
};

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let findings = from_problems(cx, &[ProblemKind::DuplicateDeclaration]);
    findings.into_iter().map(|finding| repaired(cx, finding)).collect()
}

/// Where both entries say the same, the second can go.
fn repaired(cx: &Context<'_>, finding: Finding) -> Finding {
    let Some(view) = cx.suite.plugin(&finding.plugin) else { return finding };
    let Some(text) = view.text(&finding.location.file).filter(|_| finding.location.file == view.top().file) else {
        return finding;
    };
    let place = byte_range(text, &finding.location);
    let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    let span = Span { start: offset(place.start), end: offset(place.end) };
    if contract_parse::repeats_entry(text, span) {
        finding.suggest("take the second one out: it says the same", taken_out(view, span))
    } else {
        finding
    }
}
