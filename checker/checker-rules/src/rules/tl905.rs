//! TL905: an entry of the baseline that no finding needs any more.

use crate::audit::Audit;
use crate::context::Context;
use crate::finding::Finding;
use crate::rule::{Check, Rule};
use checker_report::Severity;
use contract_model::Location;

pub(crate) const RULE: Rule = Rule {
    id: "TL905",
    name: "stale-baseline",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl905.md"),
    check: Check::Baseline(check),
};

fn check(cx: &Context<'_>, audit: &Audit<'_>) -> Vec<Finding> {
    let file = cx.options.baseline.as_ref().map(|baseline| baseline.file.as_str()).unwrap_or_default();
    audit
        .stale_entries
        .iter()
        .map(|entry| {
            let about = if entry.topic.is_empty() { String::new() } else { format!(" for `{}`", entry.topic) };
            let message = format!("the baseline still lists {}{about}, which is gone", entry.rule);
            let at = Location { line: entry.line, end_line: entry.line, ..Location::start_of(file) };
            let finding = Finding::new(&entry.plugin, at, message).role(&*entry.fingerprint);
            finding.label("no such finding").help("take it out: `trunkline baseline --prune` does so")
        })
        .collect()
}
