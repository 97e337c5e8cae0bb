//! What JSON values are reckoned to take in memory. A text of two megabytes may be a quarter of a million objects, which
//! take a hundred times as much: who bounds what is held counts values and not the bytes that they were made of.

use serde_json::{Map, Value};

/// What a value takes, whatever it is.
pub const VALUE_BYTES: u64 = 32;
/// What the fields of an object take by the node of their tree.
pub const FIELDS_BYTES: u64 = 640;
/// How many fields a node has room for.
pub const FIELDS_OF_A_NODE: usize = 11;

/// What a value takes with all that is in it.
pub fn of(value: &Value) -> u64 {
    VALUE_BYTES
        + match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
            Value::String(text) => text.len() as u64,
            Value::Array(items) => items.iter().map(of).sum(),
            Value::Object(fields) => of_fields(fields),
        }
}

/// What the fields of an object take.
pub fn of_fields(fields: &Map<String, Value>) -> u64 {
    let inner: u64 = fields.iter().map(|(name, value)| name.len() as u64 + of(value)).sum();
    fields.len().div_ceil(FIELDS_OF_A_NODE) as u64 * FIELDS_BYTES + inner
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn objects_take_far_more_than_their_text() {
        assert_eq!(of(&json!(7)), VALUE_BYTES);
        assert_eq!(of(&json!("four")), VALUE_BYTES + 4);
        assert_eq!(of(&json!([[], {}])), 3 * VALUE_BYTES);
        assert_eq!(of(&json!({"a": 0})), 2 * VALUE_BYTES + FIELDS_BYTES + 1);
        let wide: Map<String, Value> = (0..12).map(|n| (format!("{n:02}"), Value::Null)).collect();
        assert_eq!(of_fields(&wide), 2 * FIELDS_BYTES + 12 * (VALUE_BYTES + 2));
    }
}
