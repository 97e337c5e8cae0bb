//! The one order over all JSON values that filters, sorting and indexes share.

use serde_json::{Number, Value};
use std::cmp::Ordering;

/// Compares two values: null < booleans < numbers < texts < lists < objects; numbers exactly, texts by
/// their bytes, lists item by item, objects by their sorted names and values.
pub fn compare(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
        (Value::Number(left), Value::Number(right)) => compare_numbers(left, right),
        (Value::String(left), Value::String(right)) => left.as_bytes().cmp(right.as_bytes()),
        (Value::Array(left), Value::Array(right)) => compare_lists(left.iter(), right.iter()),
        (Value::Object(left), Value::Object(right)) => {
            let sorted = |map: &serde_json::Map<String, Value>| {
                let mut pairs: Vec<Value> = map
                    .iter()
                    .map(|(name, value)| Value::from(vec![Value::from(name.as_str()), value.clone()]))
                    .collect();
                pairs.sort_by(compare);
                pairs
            };
            compare_lists(sorted(left).iter(), sorted(right).iter())
        }
        _ => rank(left).cmp(&rank(right)),
    }
}

fn rank(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(_) => 2,
        Value::String(_) => 3,
        Value::Array(_) => 4,
        Value::Object(_) => 5,
    }
}

fn compare_lists<'a>(
    mut left: impl Iterator<Item = &'a Value>,
    mut right: impl Iterator<Item = &'a Value>,
) -> Ordering {
    loop {
        match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(left), Some(right)) => match compare(left, right) {
                Ordering::Equal => {}
                decided => return decided,
            },
        }
    }
}

/// The two parts by which numbers are ordered: the nearest binary double, and how far the exact integer lies
/// from it. Rounding never swaps two integers, so comparing the parts one after the other is exact.
pub fn number_parts(number: &Number) -> (f64, i32) {
    match exact_integer(number) {
        Some(integer) => {
            #[expect(clippy::cast_precision_loss, reason = "the second part holds what is lost")]
            let nearest = integer as f64;
            #[expect(clippy::cast_possible_truncation, reason = "a double of 64 bits is an exact i128")]
            let rest = integer - nearest as i128;
            (nearest, i32::try_from(rest).unwrap_or(0))
        }
        // Adding zero turns -0.0 into 0.0, which is the same number.
        None => (number.as_f64().unwrap_or(0.0) + 0.0, 0),
    }
}

fn exact_integer(number: &Number) -> Option<i128> {
    number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
}

fn compare_numbers(left: &Number, right: &Number) -> Ordering {
    let (left, right) = (number_parts(left), number_parts(right));
    left.0.total_cmp(&right.0).then(left.1.cmp(&right.1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_order_is_total_and_typed() {
        let ascending = [
            json!(null),
            json!(false),
            json!(true),
            json!(i64::MIN),
            json!(-1.5),
            json!(0),
            json!(0.5),
            json!(9_007_199_254_740_992_i64),
            json!(9_007_199_254_740_993_i64),
            json!(i64::MAX),
            json!(u64::MAX),
            json!(1e300),
            json!(""),
            json!("a"),
            json!("é"),
            json!([]),
            json!([1]),
            json!([1, 2]),
            json!({}),
            json!({"a": 1}),
        ];
        for (at, left) in ascending.iter().enumerate() {
            for (other, right) in ascending.iter().enumerate() {
                assert_eq!(compare(left, right), at.cmp(&other), "{left} and {right}");
            }
        }
        assert_eq!(compare(&json!(-0.0), &json!(0)), Ordering::Equal);
        assert_eq!(compare(&json!(2.0), &json!(2)), Ordering::Equal);
    }
}
