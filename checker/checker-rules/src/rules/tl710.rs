//! TL710: a module is made by a bundler.

use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_parse::ProblemKind;

pub(crate) const RULE: Rule = Rule {
    id: "TL710",
    name: "bundled-source",
    severity: Severity::Warning,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl710.md"),
    check: Check::Problems(&[ProblemKind::BundledSource]),
};
