//! GitHub's workflow commands: annotations beside the lines of a change.

use crate::{Diagnostic, Severity, Sheet};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What GitHub shows of one step and one level; what comes after is lost without a word.
const ANNOTATIONS_MAX: usize = 10;

/// Annotations, errors first, as many of each level as GitHub shows; then the rest as plain lines of the log, then the
/// counts.
pub(super) fn render(sheet: &Sheet<'_>) -> String {
    let told = sheet.open().into_iter().filter(|one| !one.is_told);
    // What is known and passes is no news to the author of a change.
    let (known, news): (Vec<_>, Vec<_>) = told.partition(|one| sheet.report.gate.passes_over(one));
    let mut shown: BTreeMap<Severity, usize> = BTreeMap::new();
    let (annotated, rest): (Vec<_>, Vec<_>) = news.into_iter().partition(|finding| {
        let count = shown.entry(finding.severity).or_default();
        *count += 1;
        *count <= ANNOTATIONS_MAX
    });
    let mut out: String = annotated.iter().map(|finding| annotation(sheet, finding)).collect();
    let limit = format!("GitHub shows {ANNOTATIONS_MAX} annotations of a level a step");
    for (findings, why) in [(rest, limit.as_str()), (known, "known and no reason to fail")] {
        if !findings.is_empty() {
            let _ = writeln!(out, "{} more; {why}:", findings.len());
        }
        for finding in findings {
            let at = &finding.location;
            let Diagnostic { severity, message, .. } = finding;
            let (path, rules) = (sheet.path(at), finding.rules().collect::<Vec<_>>().join(" "));
            let _ = writeln!(out, "{severity} {rules} {path}:{}:{} {}", at.line, at.column, one_line(message));
        }
    }
    let _ = writeln!(out, "{}", super::text::summary_line(&sheet.report.summary));
    out
}

fn annotation(sheet: &Sheet<'_>, finding: &Diagnostic) -> String {
    let at = &finding.location;
    let level = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "notice",
    };
    // GitHub refuses a column range that spans lines.
    let columns =
        if at.line == at.end_line { format!(",col={},endColumn={}", at.column, at.end_column) } else { String::new() };
    let help = finding.suggestion.as_ref().map(|one| format!("\n{}", one.message)).unwrap_or_default();
    let also: Vec<String> = finding.also.iter().map(|(rule, name)| format!(" and {rule} {name}")).collect();
    let also = also.concat();
    format!(
        "::{level} file={},line={},endLine={}{columns},title={}::{}\n",
        property(&sheet.path(at)),
        at.line,
        at.end_line,
        property(&format!("{} {}{also}", finding.rule, finding.name)),
        data(&format!("{}{help}", finding.message)),
    )
}

/// A line of the log that holds a command would be taken for one.
fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_a_command_is_escaped() {
        assert_eq!(data("50%\nof: it"), "50%25%0Aof: it");
        assert_eq!(property("a,b:c%"), "a%2Cb%3Ac%25");
    }
}
