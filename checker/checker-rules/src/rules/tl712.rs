//! TL712: a global that plugin code does not have.

use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_parse::ProblemKind;

pub(crate) const RULE: Rule = Rule {
    id: "TL712",
    name: "absent-global",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl712.md"),
    check: Check::Problems(&[ProblemKind::AbsentGlobal]),
};
