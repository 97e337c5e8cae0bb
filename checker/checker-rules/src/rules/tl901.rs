//! TL901: an exception that nothing needs any more.

use crate::audit::Audit;
use crate::context::Context;
use crate::finding::Finding;
use crate::rule::{Check, Rule};
use checker_report::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "TL901",
    name: "stale-allowance",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl901.md"),
    check: Check::Audit(check),
};

fn check(_: &Context<'_>, audit: &Audit<'_>) -> Vec<Finding> {
    audit
        .stale()
        .map(|exception| {
            let about = exception.topic().map(|topic| format!(" for `{topic}`")).unwrap_or_default();
            let message = format!("the exception from {}{about} has nothing to suppress", exception.rule);
            let finding = Finding::new(exception.plugin, exception.location.clone(), message);
            let finding = finding.role(format!("{} {}", exception.rule, exception.topic().unwrap_or_default()));
            finding.label("no such finding").help("take it out: what it excused is gone, or never was")
        })
        .collect()
}
