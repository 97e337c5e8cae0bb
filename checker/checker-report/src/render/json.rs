//! The machine format: `trunkline.check/1`.

use crate::Report;
use serde::Serialize;

/// One JSON document. No times, no durations, no absolute paths, so that equal suites give equal bytes.
pub fn render(report: &Report) -> String {
    document(report)
}

/// Indented JSON with a line feed at its end.
pub(crate) fn document(value: &impl Serialize) -> String {
    // What is written here holds only texts, numbers and lists of them, which always have a JSON form.
    let mut out = serde_json::to_string_pretty(value).unwrap_or_default();
    out.push('\n');
    out
}
