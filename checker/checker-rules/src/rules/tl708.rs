//! TL708: more topics at one place than are told apart.

use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_parse::ProblemKind;

pub(crate) const RULE: Rule = Rule {
    id: "TL708",
    name: "set-overflow",
    severity: Severity::Info,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl708.md"),
    check: Check::Problems(&[ProblemKind::TopicsWidened]),
};
