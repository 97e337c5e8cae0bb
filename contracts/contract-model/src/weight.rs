//! What a JSON value takes in memory, reckoned: many small values take far more there than on their way.

use serde_json::Value;

/// What a value takes, whatever it is.
const VALUE_BYTES: u64 = 32;
/// What the fields of an object take by the node of their tree, and how many fields a node has room for.
const FIELDS_BYTES: u64 = 640;
const FIELDS_OF_A_NODE: u64 = 11;

/// Bytes that a value takes.
pub fn held_bytes(value: &Value) -> u64 {
    let within = match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len() as u64,
        Value::Array(items) => items.iter().map(held_bytes).sum(),
        Value::Object(fields) => {
            let nodes = (fields.len() as u64).div_ceil(FIELDS_OF_A_NODE) * FIELDS_BYTES;
            nodes + fields.iter().map(|(name, value)| name.len() as u64 + held_bytes(value)).sum::<u64>()
        }
    };
    VALUE_BYTES + within
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_made_of_many_small_values_weighs_more_than_its_text() {
        assert_eq!(held_bytes(&json!(null)), 32);
        assert_eq!(held_bytes(&json!("abc")), 35);
        assert_eq!(held_bytes(&json!({"a": [1, 2]})), 32 + 640 + 1 + 3 * 32);
        let many = Value::Array(vec![json!({"a": 0}); 1_000]);
        assert!(held_bytes(&many) > 50 * many.to_string().len() as u64);
    }
}
