//! schema.json.

use crate::facts::ProblemKind;
use crate::report::Report;
use contract_model::collection::Collections;
use contract_model::ids::PluginSlug;
use contract_model::span::Span;

/// Reads the collections and checks what needs no other file.
pub(crate) fn parse_collections(text: &str, slug: &PluginSlug, report: &mut Report<'_>) -> Option<Collections> {
    let json = text.strip_prefix('\u{feff}').unwrap_or(text);
    match serde_json::from_str::<Collections>(json) {
        Ok(collections) => {
            check(&collections, slug, report);
            Some(collections)
        }
        Err(error) => {
            let at = offset(json, error.line(), error.column(), text.len() - json.len());
            report.add(ProblemKind::SchemaUnreadable, at, format!("schema of collections: {error}"));
            None
        }
    }
}

/// Reports a text that is no JSON.
pub(crate) fn check_json(text: &str, what: &str, report: &mut Report<'_>) {
    let json = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Err(error) = serde_json::from_str::<serde_json::Value>(json) {
        let at = offset(json, error.line(), error.column(), text.len() - json.len());
        report.add(ProblemKind::SchemaUnreadable, at, format!("{what} is not JSON: {error}"));
    }
}

/// The place of a line and column (in bytes, from 1) as the reader of JSON counts them.
fn offset(text: &str, line: usize, column: usize, skip: usize) -> Span {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let at = (start + column.saturating_sub(1)).min(text.len()) + skip;
    let at = u32::try_from(at).unwrap_or(u32::MAX);
    Span { start: at, end: at }
}

fn check(collections: &Collections, slug: &PluginSlug, report: &mut Report<'_>) {
    for problem in collections.check(slug) {
        let span = find(report.text, &problem.collection);
        report.add(ProblemKind::SchemaUnreadable, span, problem.message);
    }
}

/// The first place where a name stands in quotes.
fn find(text: &str, name: &str) -> Span {
    let start = text.find(&format!("\"{name}\"")).map_or(0, |at| at + 1);
    let bytes = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Span { start: bytes(start), end: bytes(start + name.len()) }
}
