//! TL706: the host is given to code that is not followed.

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
    check: Check::Problems(&[ProblemKind::HostEscapes]),
};
