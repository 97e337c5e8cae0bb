//! TL709: the analysis ran out of steps.

use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_parse::ProblemKind;

pub(crate) const RULE: Rule = Rule {
    id: "TL709",
    name: "budget-exceeded",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl709.md"),
    check: Check::Problems(&[ProblemKind::BudgetExceeded]),
};
