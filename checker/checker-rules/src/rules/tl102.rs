//! TL102: a manifest has a key that no manifest has.

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
    check: Check::Problems(&[ProblemKind::UnknownField]),
};
