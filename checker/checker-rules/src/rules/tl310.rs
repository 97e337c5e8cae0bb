//! TL310: a call of the host that does not exist, or with the wrong arguments.

use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_parse::ProblemKind;

pub(crate) const RULE: Rule = Rule {
    id: "TL310",
    name: "wrong-bus-api",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl310.md"),
    check: Check::Problems(&[ProblemKind::WrongApi]),
};
