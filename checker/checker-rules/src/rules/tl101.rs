//! TL101: a manifest cannot be read.

use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_parse::ProblemKind;

pub(crate) const RULE: Rule = Rule {
    id: "TL101",
    name: "manifest-unreadable",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl101.md"),
    check: Check::Problems(&[ProblemKind::ManifestUnreadable, ProblemKind::BadValue]),
};
