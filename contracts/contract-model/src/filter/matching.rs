//! Whether a record falls under a filter.

use super::order::compare;
use super::{Comparison, Filter, Query, words};
use serde_json::{Map, Value};
use std::cmp::Ordering;

impl Filter {
    /// Whether a record (an object) falls under the filter. A missing field counts as null.
    pub fn matches(&self, record: &Value) -> bool {
        match self {
            Filter::All => true,
            Filter::And(parts) => parts.iter().all(|part| part.matches(record)),
            Filter::Or(parts) => parts.iter().any(|part| part.matches(record)),
            Filter::Not(part) => !part.matches(record),
            Filter::Field { field, op, value } => op.holds(at(record, field), value),
        }
    }

    /// Like [`matches`](Self::matches), for a record held as a map.
    pub fn matches_map(&self, record: &Map<String, Value>) -> bool {
        match self {
            Filter::All => true,
            Filter::And(parts) => parts.iter().all(|part| part.matches_map(record)),
            Filter::Or(parts) => parts.iter().any(|part| part.matches_map(record)),
            Filter::Not(part) => !part.matches_map(record),
            Filter::Field { field, op, value } => op.holds(record.get(field).unwrap_or(&Value::Null), value),
        }
    }

    /// The names of all fields the filter looks at, in order of first mention.
    pub fn fields(&self) -> Vec<&str> {
        let mut out = Vec::new();
        self.collect_fields(&mut out);
        out
    }

    fn collect_fields<'a>(&'a self, out: &mut Vec<&'a str>) {
        match self {
            Filter::All => {}
            Filter::And(parts) | Filter::Or(parts) => parts.iter().for_each(|part| part.collect_fields(out)),
            Filter::Not(part) => part.collect_fields(out),
            Filter::Field { field, .. } => {
                if !out.contains(&field.as_str()) {
                    out.push(field);
                }
            }
        }
    }
}

/// What stands at a field's name, or at the path that its dots make of it; null where nothing does.
fn at<'a>(value: &'a Value, field: &str) -> &'a Value {
    let found = match field.split_once('.') {
        None => value.get(field),
        Some(_) => field.split('.').try_fold(value, |inner, name| inner.get(name)),
    };
    found.unwrap_or(&Value::Null)
}

impl Comparison {
    /// The comparison that says the same with its sides changed.
    pub(super) fn turned(self) -> Self {
        match self {
            Self::Eq | Self::Ne | Self::Matches => self,
            Self::Lt => Self::Gt,
            Self::Le => Self::Ge,
            Self::Gt => Self::Lt,
            Self::Ge => Self::Le,
            Self::In => Self::Contains,
            Self::Contains => Self::In,
        }
    }

    /// Whether a record's value compares like this with a given one.
    pub fn holds(self, stored: &Value, given: &Value) -> bool {
        match self {
            Self::Eq => compare(stored, given) == Ordering::Equal,
            Self::Ne => compare(stored, given) != Ordering::Equal,
            Self::Lt => compare(stored, given) == Ordering::Less,
            Self::Le => compare(stored, given) != Ordering::Greater,
            Self::Gt => compare(stored, given) == Ordering::Greater,
            Self::Ge => compare(stored, given) != Ordering::Less,
            Self::In => has(given, stored),
            Self::Matches => match (stored, given) {
                (Value::String(text), Value::String(wanted)) => {
                    let wanted = words(wanted);
                    !wanted.is_empty() && wanted.is_subset(&words(text))
                }
                _ => false,
            },
            Self::Contains => match (stored, given) {
                (Value::String(text), Value::String(part)) => text.contains(part.as_str()),
                (list, value) => has(list, value),
            },
        }
    }
}

fn has(list: &Value, value: &Value) -> bool {
    list.as_array().is_some_and(|items| items.iter().any(|item| compare(item, value) == Ordering::Equal))
}

impl Query {
    /// How two records (objects with an `id`) are ordered in the result.
    pub fn compare(&self, left: &Value, right: &Value) -> Ordering {
        let at = |record: &Value, field: &str| record.get(field).cloned().unwrap_or(Value::Null);
        for (field, descending) in &self.sort {
            let order = match (left.get(field), right.get(field)) {
                (Some(left), Some(right)) => compare(left, right),
                _ => compare(&at(left, field), &at(right, field)),
            };
            if order != Ordering::Equal {
                return if *descending { order.reverse() } else { order };
            }
        }
        compare(&at(left, "id"), &at(right, "id"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn holds(expression: &str, record: &Value) -> bool {
        Filter::parse(expression, &Map::new()).expect("filter").matches(record)
    }

    #[test]
    fn comparisons_are_typed_and_exact() {
        let record =
            json!({"status": "open", "total": 9_007_199_254_740_993_i64, "tags": ["a", "b"], "memo": "rent May"});
        assert!(holds("status = 'open' && total > 9007199254740992", &record));
        assert!(!holds("total = 9007199254740992", &record));
        assert!(holds("total != '9007199254740993'", &record), "a text is never a number");
        assert!(holds("memo ~ 'May' && tags ~ 'b' && !(tags ~ 'c')", &record));
        assert!(holds("status in ['open', 'held']", &record) && holds("status ?= ['open']", &record));
    }

    #[test]
    fn a_text_matches_by_its_words() {
        let record = json!({"memo": "Rent for MAY, office", "n": 1});
        assert!(holds("memo matches 'may RENT'", &record) && !holds("memo matches 'ma'", &record));
        assert!(!holds("memo matches 'rent june'", &record) && !holds("memo matches '--'", &record));
        assert!(!holds("n matches '1' || absent matches 'x'", &record));
    }

    #[test]
    fn a_path_leads_into_objects() {
        let wanted = |expression: &str, payload: &Value| {
            Filter::parse_over_payload(expression).expect("filter").matches(payload)
        };
        let payload = json!({"source": {"plugin": "ap"}, "total": 1});
        assert!(wanted("source.plugin = 'ap' && total > 0", &payload));
        assert!(!wanted("source.plugin = 'ar'", &payload));
        assert!(wanted("total.plugin = null && absent.deep = null", &payload), "where nothing stands there is null");
        let error = Filter::parse("source.plugin = 'ap'", &Map::new()).expect_err("a record's fields are flat");
        assert_eq!(error.position, "character 7");
        Filter::parse_over_payload("source..plugin = 'ap'").expect_err("a name is missing");
        Filter::parse_over_payload("source. = 'ap'").expect_err("a name is missing");
    }

    #[test]
    fn a_missing_field_is_null() {
        let record = json!({"a": null});
        assert!(holds("a = null && b = null && b < false", &record));
        assert!(holds("b != 1", &record));
    }

    #[test]
    fn queries_order_by_their_fields_and_then_by_id() {
        let query = Query { filter: Filter::All, sort: vec![("total".into(), true)], limit: None, cursor: None };
        let mut records =
            [json!({"id": "b", "total": 1}), json!({"id": "a", "total": 1}), json!({"id": "c", "total": 2})];
        records.sort_by(|left, right| query.compare(left, right));
        let ids: Vec<_> = records.iter().map(|record| record["id"].as_str().expect("id")).collect();
        assert_eq!(ids, ["c", "a", "b"]);
    }
}
