//! TL706: the host is given to code that is not followed.

use crate::context::Context;
use crate::finding::{Finding, from_problems};
use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_parse::ProblemKind;

pub(crate) const RULE: Rule = Rule {
    id: "TL706",
    name: "bus-escapes",
    severity: Severity::Warning,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl706.md"),
    check: Check::Suite(check),
};

fn check(cx: &Context<'_>) -> Vec<Finding> {
    from_problems(cx, &[ProblemKind::HostEscapes])
}
