//! The machine format: `trunkline.check/1`.

use crate::Report;

/// One JSON document. No times, no durations, no absolute paths, so that equal suites give equal bytes.
pub fn render(report: &Report) -> String {
    // A report holds only texts and numbers, which always have a JSON form.
    let mut out = serde_json::to_string_pretty(report).unwrap_or_default();
    out.push('\n');
    out
}
