//! TL711: a file holds characters that nobody sees.

use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_parse::ProblemKind;

pub(crate) const RULE: Rule = Rule {
    id: "TL711",
    name: "hidden-character",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl711.md"),
    check: Check::Problems(&[ProblemKind::HiddenCharacter]),
};
