//! A filter that is held against many records: what can be worked out once is.

use super::order::compare;
use super::{Comparison, Filter, words};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Says of each record what [`Filter::matches_map`] says, however long the lists of the filter are.
#[derive(Debug)]
pub struct Matcher<'f>(Node<'f>);

#[derive(Debug)]
enum Node<'f> {
    All,
    And(Vec<Self>),
    Or(Vec<Self>),
    Not(Box<Self>),
    /// The values in their order.
    In(&'f str, Vec<&'f Value>),
    Words(&'f str, BTreeSet<String>),
    Field(&'f str, Comparison, &'f Value),
}

impl<'f> Matcher<'f> {
    /// For this filter.
    pub fn of(filter: &'f Filter) -> Self {
        Self(Node::of(filter))
    }

    /// Whether a record falls under the filter. A missing field counts as null.
    pub fn matches(&self, record: &Map<String, Value>) -> bool {
        self.0.matches(record)
    }
}

impl<'f> Node<'f> {
    fn of(filter: &'f Filter) -> Self {
        let all = |parts: &'f [Filter]| parts.iter().map(Self::of).collect();
        match filter {
            Filter::All => Self::All,
            Filter::And(parts) => Self::And(all(parts)),
            Filter::Or(parts) => Self::Or(all(parts)),
            Filter::Not(part) => Self::Not(Box::new(Self::of(part))),
            Filter::Field { field, op: Comparison::In, value: Value::Array(items) } => {
                let mut items: Vec<&Value> = items.iter().collect();
                items.sort_by(|left, right| compare(left, right));
                Self::In(field, items)
            }
            Filter::Field { field, op: Comparison::Matches, value: Value::String(text) } => {
                Self::Words(field, words(text))
            }
            Filter::Field { field, op, value } => Self::Field(field, *op, value),
        }
    }

    fn matches(&self, record: &Map<String, Value>) -> bool {
        let at = |field: &str| record.get(field).unwrap_or(&Value::Null);
        match self {
            Self::All => true,
            Self::And(parts) => parts.iter().all(|part| part.matches(record)),
            Self::Or(parts) => parts.iter().any(|part| part.matches(record)),
            Self::Not(part) => !part.matches(record),
            Self::In(field, items) => items.binary_search_by(|item| compare(item, at(field))).is_ok(),
            Self::Words(field, wanted) => {
                !wanted.is_empty() && at(field).as_str().is_some_and(|text| wanted.is_subset(&words(text)))
            }
            Self::Field(field, op, value) => op.holds(at(field), value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn it_says_what_the_filter_says() {
        let values = [json!(null), json!(1), json!(1.0), json!(2), json!("a"), json!("B c"), json!([1]), json!(true)];
        let filters = [
            "n in [2, 'a', 1, null]",
            "!(n in [true, 'B c'])",
            "n in []",
            "n matches 'C b' || n = 1",
            "n matches '' || n in ['a']",
            "n > 1 && n != 'a'",
        ];
        for filter in filters {
            let filter = Filter::parse(filter, &Map::new()).expect("a filter");
            for value in &values {
                for record in [json!({"n": value}), json!({"m": value})] {
                    let record = record.as_object().expect("an object");
                    assert_eq!(
                        Matcher::of(&filter).matches(record),
                        filter.matches_map(record),
                        "{filter:?} {record:?}"
                    );
                }
            }
        }
    }
}
