//! TL707: code made of texts at run time may hide wiring.

use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_parse::ProblemKind;

pub(crate) const RULE: Rule = Rule {
    id: "TL707",
    name: "dynamic-code",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl707.md"),
    check: Check::Problems(&[ProblemKind::DynamicCode]),
};
