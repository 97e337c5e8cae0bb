//! Field values as bytes that sort as `contract_model::filter::order::compare` does.

use crate::key::{CUT_HASH_BYTES, TEXT_CUT, TEXT_END, push_text, strong_hash};
use contract_model::canonical::canonical_json;
use contract_model::filter::order::number_parts;
use serde_json::{Map, Value};

const NULL: u8 = 1;
const FALSE: u8 = 2;
const TRUE: u8 = 3;
const NUMBER: u8 = 4;
const TEXT: u8 = 5;
const LIST: u8 = 6;
const OBJECT: u8 = 7;

/// What the values of one index entry may take together; the rest of a key is tenant, index and record id.
const VALUES_BYTES_MAX: usize = 300;

/// The most bytes of a text in an index over so many fields before it is cut.
pub(crate) fn text_bytes_max(fields: usize) -> usize {
    VALUES_BYTES_MAX / fields.max(1) - (1 + TEXT_CUT.len() + CUT_HASH_BYTES)
}

/// Writes one value. Equal values give equal bytes; unequal ones differ and sort as the values do, except
/// that texts longer than `text_max`, lists and objects only sort by their beginnings (see [`is_inexact`]).
pub(crate) fn push_value(out: &mut Vec<u8>, value: &Value, text_max: usize) {
    match value {
        Value::Null => out.push(NULL),
        Value::Bool(false) => out.push(FALSE),
        Value::Bool(true) => out.push(TRUE),
        Value::Number(number) => {
            out.push(NUMBER);
            let (nearest, rest) = number_parts(number);
            out.extend_from_slice(&ordered_bits(nearest).to_be_bytes());
            out.extend_from_slice(&ordered_rest(rest).to_be_bytes());
        }
        Value::String(text) => {
            out.push(TEXT);
            push_text(out, text, text_max);
        }
        Value::Array(_) => push_hashed(out, LIST, value),
        Value::Object(_) => push_hashed(out, OBJECT, value),
    }
}

/// The values of an index's fields in a record; a missing field is null. The field at a position may be given
/// another value than the record's.
pub(crate) fn record_values(
    fields: &[String],
    record: &Map<String, Value>,
    instead: Option<(usize, &Value)>,
) -> Vec<u8> {
    let text_max = text_bytes_max(fields.len());
    let mut out = Vec::with_capacity(64);
    for (at, field) in fields.iter().enumerate() {
        let value = match instead {
            Some((place, value)) if place == at => value,
            _ => record.get(field).unwrap_or(&Value::Null),
        };
        push_value(&mut out, value, text_max);
    }
    out
}

/// Whether a value only sorts by its beginning: a text too long for its key, a list or an object.
pub(crate) fn is_inexact(value: &Value, text_max: usize) -> bool {
    match value {
        // A zero byte takes two bytes in a key.
        Value::String(text) => text.len() + text.bytes().filter(|byte| *byte == 0).count() > text_max,
        Value::Array(_) | Value::Object(_) => true,
        _ => false,
    }
}

/// Where the values of an index entry end, and whether one of them only sorts by its beginning.
pub(crate) fn values_end(bytes: &[u8], fields: usize) -> Option<(usize, bool)> {
    let mut at = 0;
    let mut inexact = false;
    for _ in 0..fields {
        let (len, cut) = value_len(bytes.get(at..)?)?;
        at += len;
        inexact |= cut;
    }
    Some((at, inexact))
}

fn value_len(bytes: &[u8]) -> Option<(usize, bool)> {
    match *bytes.first()? {
        NULL | FALSE | TRUE => Some((1, false)),
        NUMBER => Some((1 + 8 + 4, false)),
        TEXT => {
            let mut at = 1;
            loop {
                match bytes.get(at..at + 2)? {
                    pair if pair == TEXT_END => return Some((at + 2, false)),
                    pair if pair == TEXT_CUT => return Some((at + 2 + CUT_HASH_BYTES, true)),
                    [0, _] => at += 2,
                    _ => at += 1,
                }
            }
        }
        LIST | OBJECT => Some((1 + CUT_HASH_BYTES, true)),
        _ => None,
    }
}

fn push_hashed(out: &mut Vec<u8>, tag: u8, value: &Value) {
    out.push(tag);
    out.extend_from_slice(&strong_hash(canonical_json(value).as_bytes()));
}

/// A double's bits so that unsigned comparison orders the doubles.
fn ordered_bits(number: f64) -> u64 {
    let bits = number.to_bits();
    if bits >> 63 == 1 { !bits } else { bits | (1 << 63) }
}

fn ordered_rest(rest: i32) -> u32 {
    rest.cast_unsigned() ^ (1 << 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract_model::filter::order::compare;
    use proptest::prelude::*;

    fn scalar() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (-3_i64..3).prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            (-2_i32..3).prop_map(|n| Value::from(f64::from(n) / 2.0)),
            (i64::MAX - 3..=i64::MAX).prop_map(Value::from),
            "[ab\\x00]{0,4}".prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ]
    }

    fn bytes(value: &Value) -> Vec<u8> {
        let mut out = Vec::new();
        push_value(&mut out, value, 4000);
        out
    }

    proptest! {
        #[test]
        fn bytes_sort_as_the_values_do(left in scalar(), right in scalar()) {
            prop_assert_eq!(bytes(&left).cmp(&bytes(&right)), compare(&left, &right), "{} {}", left, right);
        }

        #[test]
        fn the_end_of_values_is_found(values in proptest::collection::vec(scalar(), 1..4), tail in any::<Vec<u8>>()) {
            let mut all = Vec::new();
            for value in &values {
                push_value(&mut all, value, 20);
            }
            let end = all.len();
            all.extend_from_slice(&tail);
            let inexact = values.iter().any(|value| is_inexact(value, 20));
            prop_assert_eq!(values_end(&all, values.len()), Some((end, inexact)));
        }
    }
}
