//! Canonical JSON (RFC 8785 for the values we store) and the hash over it.

use serde_json::Value;
use sha2::{Digest, Sha256};

/// Writes a value with sorted keys and no blanks, so that equal values have equal bytes.
pub fn canonical_json(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

/// Lower-case hexadecimal SHA-256 of the canonical JSON of a value.
pub fn canonical_sha256(value: &Value) -> String {
    hex::encode(Sha256::digest(canonical_json(value).as_bytes()))
}

/// Lower-case hexadecimal SHA-256 of some bytes.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort_by(|a, b| a.encode_utf16().cmp(b.encode_utf16()));
            out.push('{');
            for (at, key) in keys.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push(':');
                write(&map[key.as_str()], out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Value::Number(number) => match number.as_f64() {
            // A float without a fraction is written like the integer it equals.
            Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 9_007_199_254_740_992.0 => {
                // Adding zero turns a negative zero into zero.
                out.push_str(&(float + 0.0).to_string());
            }
            _ => out.push_str(&number.to_string()),
        },
        scalar => out.push_str(&scalar.to_string()),
    }
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
    }
}
