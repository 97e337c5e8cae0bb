//! What can be wrong: with a schema, or with a value under a schema.

use serde_json::{Value, json};
use std::fmt;

/// A text that is no usable schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// The text is not JSON.
    #[error("schema `{name}` is not JSON at line {line}, column {column}: {why}")]
    NotJson {
        /// What the schema is called, such as its path.
        name: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// The reader's own words.
        why: String,
    },
    /// The JSON breaks the rules of JSON Schema 2020-12.
    #[error("schema `{name}` is not valid JSON Schema 2020-12 at `{pointer}`: {why}")]
    Invalid {
        /// What the schema is called.
        name: String,
        /// JSON pointer into the schema.
        pointer: String,
        /// What is wrong there.
        why: String,
    },
    /// A `$ref` cannot be resolved inside the document.
    #[error(
        "schema `{name}` refers to something outside itself or missing ({why}); \
         put the definition under `$defs` and refer to it as `#/$defs/NAME`"
    )]
    Reference {
        /// What the schema is called.
        name: String,
        /// What could not be resolved.
        why: String,
    },
}

/// One way in which a value breaks its schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// JSON pointer to the offending part of the value; empty for the whole.
    pub pointer: String,
    /// A sentence for the client, such as "`/lines/0/debit` must be an integer, got 33.5".
    pub message: String,
    /// The keyword that is broken, such as `required`.
    pub keyword: String,
    /// JSON pointer to that keyword in the schema.
    pub schema_pointer: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// What is said of a payload that breaks its topic's schema: a message about the first violation, and details
/// `{topic, violations: [{path, message, keyword}]}` about all of them.
pub fn payload_fault(topic: &str, violations: &[Violation]) -> (String, Value) {
    let first = violations.first().map_or_else(String::new, |violation| {
        let place = if violation.pointer.is_empty() { "its root" } else { violation.pointer.as_str() };
        format!("{place}: {}", violation.message)
    });
    let details: Vec<Value> = violations
        .iter()
        .map(|one| json!({"path": one.pointer, "message": one.message, "keyword": one.keyword}))
        .collect();
    let message = format!("the payload for `{topic}` breaks its schema at {first}");
    (message, json!({"topic": topic, "violations": details}))
}
