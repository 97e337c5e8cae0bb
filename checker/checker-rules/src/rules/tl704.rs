//! TL704: a module cannot be parsed.

use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_parse::ProblemKind;

pub(crate) const RULE: Rule = Rule {
    id: "TL704",
    name: "source-unparsable",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl704.md"),
    check: Check::Problems(&[ProblemKind::SourceUnparsable]),
};
