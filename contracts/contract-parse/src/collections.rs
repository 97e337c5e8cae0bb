//! schema.json.

use crate::facts::ProblemKind;
use crate::report::Report;
use contract_model::collection::{Collections, FieldType};
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
    let prefix = format!("{}_", slug.as_str().replace('-', "_"));
    let mut seen: Vec<&str> = Vec::new();
    for collection in &collections.collections {
        let name = collection.name.as_str();
        let mut add = |quoted: &str, message: String| {
            let span = find(report.text, quoted);
            report.add(ProblemKind::SchemaUnreadable, span, message);
        };
        let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if !name.starts_with(&prefix) || name.len() == prefix.len() || !plain {
            add(name, format!("collection `{name}` must start with `{prefix}` and use a-z, 0-9 and _ only"));
        }
        if seen.contains(&name) {
            add(name, format!("collection `{name}` is declared twice"));
        }
        seen.push(name);
        for message in field_problems(collection) {
            add(name, message);
        }
    }
}

fn field_problems(collection: &contract_model::collection::Collection) -> Vec<String> {
    const AUTOMATIC: [&str; 4] = ["id", "created", "updated", "revision"];
    let name = &collection.name;
    let mut out = Vec::new();
    let mut fields: Vec<&str> = Vec::new();
    for field in &collection.fields {
        let at = format!("field `{}` of `{name}`", field.name);
        if AUTOMATIC.contains(&field.name.as_str()) {
            out.push(format!("{at} is automatic; do not declare it"));
        }
        if fields.contains(&field.name.as_str()) {
            out.push(format!("{at} is declared twice"));
        }
        if field.kind == FieldType::Select && field.values.is_empty() {
            out.push(format!("{at} is a select without `values`"));
        }
        if field.kind == FieldType::Reference && field.reference.is_none() {
            out.push(format!("{at} is a reference without `ref`"));
        }
        fields.push(&field.name);
    }
    let known = |field: &String| fields.contains(&field.as_str()) || AUTOMATIC.contains(&field.as_str());
    let used = collection.unique.iter().chain(&collection.indexes).flatten().chain(&collection.full_text);
    for field in used.filter(|field| !known(field)) {
        out.push(format!("an index of `{name}` names field `{field}`, which is not declared"));
    }
    out
}

/// The first place where a name stands in quotes.
fn find(text: &str, name: &str) -> Span {
    let start = text.find(&format!("\"{name}\"")).map_or(0, |at| at + 1);
    let bytes = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Span { start: bytes(start), end: bytes(start + name.len()) }
}
