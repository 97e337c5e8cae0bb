//! GitLab's code quality report: the widget of a merge request and the marks beside its lines.

use super::Ordinals;
use crate::{Severity, Sheet};
use serde_json::{Value, json};

/// One JSON list. GitLab drops entries whose fingerprints repeat, so a second finding of the same identity gets a
/// number after it. What is suppressed has no place in this format.
pub(super) fn render(sheet: &Sheet<'_>) -> String {
    let mut ordinals = Ordinals::default();
    let open = sheet.report.found().filter(|finding| finding.suppressed.is_none());
    let entries: Vec<Value> = open
        .map(|finding| {
            let fingerprint = match ordinals.next(&finding.fingerprint) {
                1 => finding.fingerprint.clone(),
                more => format!("{}-{more}", finding.fingerprint),
            };
            json!({
                "description": format!("{} {}: {}", finding.rule, finding.name, finding.message),
                "check_name": finding.rule,
                "fingerprint": fingerprint,
                "severity": severity(finding.severity),
                "location": {
                    "path": sheet.path(&finding.location),
                    "lines": {"begin": finding.location.line, "end": finding.location.end_line},
                },
            })
        })
        .collect();
    super::json::document(&entries)
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "critical",
        Severity::Warning => "minor",
        Severity::Info => "info",
    }
}
