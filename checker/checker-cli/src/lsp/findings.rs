//! Findings as the protocol names them.

use super::suite::OpenSuite;
use super::text::range_of;
use crate::output::DOCS;
use checker_report::{Diagnostic, Severity};
use contract_model::Location;
use lsp_types::{
    CodeDescription, Diagnostic as Shown, DiagnosticRelatedInformation, DiagnosticSeverity, Location as Place,
    NumberOrString, Range, Uri,
};
use std::collections::BTreeMap;
use std::str::FromStr as _;

/// The findings that nobody allowed, by file.
pub(super) fn by_file(suite: &OpenSuite) -> BTreeMap<String, Vec<Shown>> {
    let mut files: BTreeMap<String, Vec<Shown>> = BTreeMap::new();
    for finding in open(suite).filter(|finding| !finding.is_note) {
        files.entry(finding.location.file.to_string()).or_default().push(shown(suite, finding));
    }
    files
}

/// The findings that nobody allowed, each fault once.
pub(super) fn open(suite: &OpenSuite) -> impl Iterator<Item = &Diagnostic> {
    suite
        .report
        .iter()
        .flat_map(checker_report::Report::found)
        .filter(|finding| finding.suppressed.is_none() && !finding.is_told)
}

/// A place of a suite as the protocol names it; the start of a file that cannot be read.
pub(super) fn range_in(suite: &OpenSuite, at: &Location) -> Range {
    suite.live.suite().text(&at.file).map(|text| range_of(text, at)).unwrap_or_default()
}

/// The same with its file.
pub(super) fn place_in(suite: &OpenSuite, at: &Location) -> Option<Place> {
    Some(Place { uri: suite.uri(&at.file)?, range: range_in(suite, at) })
}

pub(super) fn shown(suite: &OpenSuite, finding: &Diagnostic) -> Shown {
    let related = finding.related.iter().filter_map(|one| {
        let location = place_in(suite, &one.location)?;
        Some(DiagnosticRelatedInformation { location, message: one.message.clone() })
    });
    let help = finding.suggestion.as_ref().map(|one| format!("\n{}", one.message)).unwrap_or_default();
    Shown {
        range: range_in(suite, &finding.location),
        severity: Some(match finding.severity {
            Severity::Error => DiagnosticSeverity::ERROR,
            Severity::Warning => DiagnosticSeverity::WARNING,
            Severity::Info => DiagnosticSeverity::INFORMATION,
        }),
        code: Some(NumberOrString::String(finding.rule.to_owned())),
        code_description: page(finding.rule).map(|href| CodeDescription { href }),
        source: Some("trunkline".to_owned()),
        message: format!("{}{help}", finding.message),
        related_information: Some(related.collect()),
        ..Shown::default()
    }
}

fn page(rule: &str) -> Option<Uri> {
    Uri::from_str(&format!("{DOCS}rules/{rule}.html")).ok()
}
