//! Syntax errors as problems.

use crate::facts::ProblemKind;
use crate::report::Report;
use contract_model::span::Span;

/// The most syntax errors of one file that are reported; the rest are mostly echoes of the first.
const ERRORS_MAX: usize = 5;

/// Reports what a parser found wrong; whether there was anything.
pub(crate) fn report_errors(diagnostics: &[oxc_diagnostics::OxcDiagnostic], report: &mut Report<'_>) -> bool {
    let errors = diagnostics.iter().filter(|one| one.severity == oxc_diagnostics::Severity::Error);
    let mut any = false;
    for diagnostic in errors.take(ERRORS_MAX) {
        any = true;
        let help = diagnostic.help.as_ref().map(|help| (help.to_string(), None));
        let message = format!("syntax error: {}", diagnostic.message);
        report.add_with_help(ProblemKind::SourceUnparsable, place(diagnostic), message, help);
    }
    any
}

fn place(diagnostic: &oxc_diagnostics::OxcDiagnostic) -> Span {
    let bytes = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    diagnostic.labels.first().map_or(Span::default(), |label| {
        let (start, length) = (label.offset() as usize, label.len() as usize);
        Span { start: bytes(start), end: bytes(start + length) }
    })
}
