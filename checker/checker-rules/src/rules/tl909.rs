//! TL909: how many findings are suppressed.

use crate::audit::Audit;
use crate::context::Context;
use crate::finding::Finding;
use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_model::Location;

pub(crate) const RULE: Rule = Rule {
    id: "TL909",
    name: "suppressed-total",
    severity: Severity::Info,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl909.md"),
    check: Check::Audit(check),
};

fn check(_: &Context<'_>, audit: &Audit<'_>) -> Vec<Finding> {
    let total: usize = audit.suppressed.values().sum();
    let first = audit.first_in_use().map(|exception| &exception.location);
    if total == 0 {
        return Vec::new();
    }
    let by: Vec<String> = audit.suppressed.iter().map(|(layer, count)| format!("{count} by {layer}")).collect();
    let findings = if total == 1 { "1 finding is".to_owned() } else { format!("{total} findings are") };
    let message = format!("{findings} suppressed: {}", by.join(", "));
    let at = first.cloned().unwrap_or_else(|| Location::start_of("suite.yaml"));
    vec![
        Finding::new("", at, message)
            .label("the first of them")
            .note()
            .help("`check --out json` lists them with their reasons"),
    ]
}
