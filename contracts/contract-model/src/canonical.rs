//! Canonical JSON (RFC 8785 for the values we store) and the hash over it.

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::cmp::Ordering;

/// Writes a value with sorted keys and no blanks, so that equal values have equal bytes.
pub fn canonical_json(value: &Value) -> String {
    String::from_utf8(canonical_bytes(value)).unwrap_or_default()
}

/// Lower-case hexadecimal SHA-256 of the canonical JSON of a value.
pub fn canonical_sha256(value: &Value) -> String {
    sha256_hex(&canonical_bytes(value))
}

/// Lower-case hexadecimal SHA-256 of some bytes.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn canonical_bytes(value: &Value) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Object(map) => {
            let mut fields: Vec<(&String, &Value)> = map.iter().collect();
            fields.sort_unstable_by(|(a, _), (b, _)| order(a, b));
            out.push(b'{');
            for (at, (key, value)) in fields.into_iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                plain(key, out);
                out.push(b':');
                write(value, out);
            }
            out.push(b'}');
        }
        Value::Array(items) => {
            out.push(b'[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write(item, out);
            }
            out.push(b']');
        }
        Value::Number(number) => match number.as_f64() {
            // A float without a fraction is written like the integer it equals.
            Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 9_007_199_254_740_992.0 => {
                // Adding zero turns a negative zero into zero.
                out.extend_from_slice((float + 0.0).to_string().as_bytes());
            }
            _ => plain(number, out),
        },
        scalar => plain(scalar, out),
    }
}

/// By UTF-16 code units, which for ASCII is by bytes.
fn order(a: &str, b: &str) -> Ordering {
    if a.is_ascii() && b.is_ascii() { a.cmp(b) } else { a.encode_utf16().cmp(b.encode_utf16()) }
}

fn plain(value: &impl Serialize, out: &mut Vec<u8>) {
    // Writing a text or a number to memory cannot fail.
    let _ = serde_json::to_writer(out, value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn equal_values_have_equal_bytes() {
        let one = canonical_json(&json!({"b": 1, "a": [true, null, "x\n"], "c": 2.0}));
        assert_eq!(one, r#"{"a":[true,null,"x\n"],"b":1,"c":2}"#);
        assert_eq!(canonical_sha256(&json!({"a":1,"b":2})), canonical_sha256(&json!({"b":2,"a":1})));
        // By UTF-16 code units a character beyond the first plane comes before U+FB33 (RFC 8785, 3.2.3).
        assert_eq!(canonical_json(&json!({"\u{fb33}": 1, "\u{1f600}": 2})), "{\"\u{1f600}\":2,\"\u{fb33}\":1}");
    }
}
