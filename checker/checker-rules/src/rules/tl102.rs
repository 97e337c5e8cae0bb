//! TL102: a manifest has a key that no manifest has.

use crate::context::Context;
use crate::finding::{Finding, from_problems};
use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_parse::ProblemKind;

pub(crate) const RULE: Rule = Rule {
    id: "TL102",
    name: "unknown-field",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl102.md"),
    check: Check::Suite(check),
};

fn check(cx: &Context<'_>) -> Vec<Finding> {
    from_problems(cx, &[ProblemKind::UnknownField])
}
