//! Sentences about violations that a client can act upon without reading the schema.

use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use serde_json::Value;

/// The longest excerpt of a value in a message, in characters.
const EXCERPT_CHARS_MAX: usize = 80;

/// Writes one sentence: the place, what must hold there, what was found.
pub(crate) fn sentence(error: &ValidationError<'_>) -> String {
    worded(error, true)
}

/// The same without anything of what was found.
pub(crate) fn discreet(error: &ValidationError<'_>) -> String {
    worded(error, false)
}

fn worded(error: &ValidationError<'_>, shows: bool) -> String {
    let place = place(&error.instance_path().to_string());
    let got = if shows { format!(", got {}", excerpt(error.instance())) } else { String::new() };
    match error.kind() {
        Kind::Type { kind } => format!("{place} must be {}{got}", types(kind)),
        Kind::Required { property } => format!("{place} lacks the required field {property}"),
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            format!("{place} has fields the schema does not know: {}", names(unexpected))
        }
        Kind::Enum { options } => format!("{place} must be one of {}{got}", excerpt(options)),
        Kind::Constant { expected_value } => format!("{place} must be {}{got}", excerpt(expected_value)),
        Kind::Minimum { limit } => format!("{place} must be at least {limit}{got}"),
        Kind::Maximum { limit } => format!("{place} must be at most {limit}{got}"),
        Kind::ExclusiveMinimum { limit } => format!("{place} must be more than {limit}{got}"),
        Kind::ExclusiveMaximum { limit } => format!("{place} must be less than {limit}{got}"),
        Kind::MultipleOf { multiple_of } => format!("{place} must be a multiple of {multiple_of}{got}"),
        Kind::MinLength { limit } => format!("{place} must have at least {limit} characters{got}"),
        Kind::MaxLength { limit } => format!("{place} must have at most {limit} characters{got}"),
        Kind::MinItems { limit } => format!("{place} must have at least {limit} items"),
        Kind::MaxItems { limit } => format!("{place} must have at most {limit} items"),
        Kind::MinProperties { limit } => format!("{place} must have at least {limit} fields"),
        Kind::MaxProperties { limit } => format!("{place} must have at most {limit} fields"),
        Kind::Pattern { pattern } => format!("{place} must match the pattern {pattern}{got}"),
        Kind::Format { format } => format!("{place} must be a valid {format}{got}"),
        Kind::UniqueItems => format!("{place} must not hold the same item twice"),
        Kind::FalseSchema => format!("{place} must not be there"),
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
            format!("{place} fits none of the {} allowed forms{got}", context.len())
        }
        Kind::OneOfMultipleValid { .. } => format!("{place} fits more than one of forms that exclude each other"),
        Kind::PropertyNames { error } => format!("{place} has a field with a wrong name: {}", worded(error, shows)),
        _ if shows => format!("{place}: {error}"),
        _ => format!("{place}: {}", error.masked()),
    }
}

fn place(pointer: &str) -> String {
    if pointer.is_empty() { "the value".to_owned() } else { format!("`{pointer}`") }
}

fn types(kind: &TypeKind) -> String {
    let names: Vec<&str> = match kind {
        TypeKind::Single(one) => vec![with_article(one.as_str())],
        TypeKind::Multiple(set) => set.iter().map(|one| with_article(one.as_str())).collect(),
    };
    names.join(" or ")
}

pub(crate) fn with_article(name: &str) -> &str {
    match name {
        "array" => "an array",
        "boolean" => "true or false",
        "integer" => "an integer",
        "number" => "a number",
        "object" => "an object",
        "string" => "a string",
        other => other,
    }
}

fn names(list: &[String]) -> String {
    list.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

pub(crate) fn excerpt(value: &Value) -> String {
    match value {
        Value::Array(items) if items.len() > 8 => return format!("an array of {} items", items.len()),
        Value::Object(fields) if fields.len() > 8 => return format!("an object of {} fields", fields.len()),
        _ => {}
    }
    let text = value.to_string();
    if text.chars().count() <= EXCERPT_CHARS_MAX {
        return text;
    }
    let head: String = text.chars().take(EXCERPT_CHARS_MAX).collect();
    format!("{head}…")
}
