//! What changed between two schemas of one topic, and for whom that matters.
//!
//! Backward: every payload that was valid is still valid, so what stands in the log can be read. Forward: every
//! payload that is valid now was valid before, so who was written for the old schema can read what comes. Both are
//! questions of inclusion between sets of JSON values. Each keyword's difference is judged by itself, which is sound
//! because keywords are joined by "and"; what this cannot decide is unknown, never compatible.
//!
//! The names follow the differences that Confluent's Schema Registry tells apart.
//!
//! Reading order: `change` says what a difference is, `walk` goes through both schemas at once and hands the keywords
//! of each type to `types`, `values`, `scalars`, `objects`, `arrays` and `combined`; `document` and `flatten` take
//! references and `allOf` out of the way.

mod arrays;
mod change;
mod combined;
mod document;
mod flatten;
mod keywords;
mod numbers;
mod objects;
mod path;
mod scalars;
mod types;
mod values;
mod walk;

pub use change::{Change, ChangeKind, Comparison, Verdict};

use serde_json::Value;

/// Compares two JSON Schemas 2020-12. Both must compile; see [`crate::Schema::compile`].
pub fn compare(old: &Value, new: &Value) -> Comparison {
    walk::Walk::compare(old, new)
}
