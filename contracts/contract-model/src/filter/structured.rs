//! The structured form: `{status: "open", total: {gt: 100}, or: [...], and: [...], not: {...}}`.

use super::{Comparison, DEPTH_MAX, Filter, FilterError};
use serde_json::Value;

impl Filter {
    /// Reads the structured form. Null and an empty object mean every record. A plain value means equal;
    /// an object holds comparisons: eq, ne, lt, le or lte, gt, ge or gte, in, contains, matches.
    pub fn from_structured(value: &Value) -> Result<Filter, FilterError> {
        condition(value, "", 0)
    }
}

fn condition(value: &Value, path: &str, depth: usize) -> Result<Filter, FilterError> {
    if depth > DEPTH_MAX {
        return Err(wrong(path, "at most 32 nested conditions (FILTER_DEPTH_MAX)", "more"));
    }
    let map = match value {
        Value::Null => return Ok(Filter::All),
        Value::Object(map) => map,
        other => return Err(wrong(path, "an object of fields and conditions", kind(other))),
    };
    let mut parts = Vec::with_capacity(map.len());
    for (name, value) in map {
        let at = join(path, name);
        match name.as_str() {
            "and" => parts.push(Filter::And(conditions(value, &at, depth)?)),
            "or" => parts.push(Filter::Or(conditions(value, &at, depth)?)),
            "not" => parts.push(Filter::Not(Box::new(condition(value, &at, depth + 1)?))),
            field => field_conditions(field, value, &at, &mut parts)?,
        }
    }
    Ok(match parts.len() {
        0 => Filter::All,
        1 => parts.remove(0),
        _ => Filter::And(parts),
    })
}

fn conditions(value: &Value, path: &str, depth: usize) -> Result<Vec<Filter>, FilterError> {
    let Value::Array(items) = value else {
        return Err(wrong(path, "a list of conditions", kind(value)));
    };
    items.iter().enumerate().map(|(at, item)| condition(item, &join(path, &at.to_string()), depth + 1)).collect()
}

fn field_conditions(field: &str, value: &Value, path: &str, parts: &mut Vec<Filter>) -> Result<(), FilterError> {
    if !super::expression::is_field_name(field) {
        return Err(wrong(path, "a field's name: letters, digits and _", &format!("`{field}`")));
    }
    let Value::Object(map) = value else {
        parts.push(Filter::Field { field: field.to_owned(), op: Comparison::Eq, value: value.clone() });
        return Ok(());
    };
    if map.is_empty() {
        return Err(wrong(path, "a comparison such as {gt: 100}", "an empty object"));
    }
    for (name, value) in map {
        let at = join(path, name);
        let op = comparison(name).ok_or_else(|| {
            wrong(&at, "one of eq, ne, lt, le, lte, gt, ge, gte, in, contains, matches", &format!("`{name}`"))
        })?;
        if op == Comparison::In && !value.is_array() {
            return Err(wrong(&at, "a list of values", kind(value)));
        }
        if op == Comparison::Matches && !value.is_string() {
            return Err(wrong(&at, "a text of words", kind(value)));
        }
        parts.push(Filter::Field { field: field.to_owned(), op, value: value.clone() });
    }
    Ok(())
}

fn comparison(name: &str) -> Option<Comparison> {
    Some(match name {
        "eq" => Comparison::Eq,
        "ne" => Comparison::Ne,
        "lt" => Comparison::Lt,
        "le" | "lte" => Comparison::Le,
        "gt" => Comparison::Gt,
        "ge" | "gte" => Comparison::Ge,
        "in" => Comparison::In,
        "contains" => Comparison::Contains,
        "matches" => Comparison::Matches,
        _ => return None,
    })
}

pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn wrong(path: &str, expected: &str, found: &str) -> FilterError {
    let position = if path.is_empty() { "its top".to_owned() } else { format!("`{path}`") };
    FilterError { position, expected: expected.to_owned(), found: found.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Map, json};

    fn parsed(expression: &str) -> Filter {
        Filter::parse(expression, &Map::new()).expect("filter")
    }

    #[test]
    fn both_forms_mean_the_same() {
        let structured = Filter::from_structured(&json!({"status": "open", "total": {"gt": 100}})).expect("filter");
        assert_eq!(structured, parsed("status = 'open' && total > 100"));
        let structured = Filter::from_structured(&json!({"or": [{"a": {"lte": 1}}, {"not": {"b": {"in": [1, 2]}}}]}))
            .expect("filter");
        assert_eq!(structured, Filter::Or(vec![parsed("a <= 1"), parsed("!(b in [1, 2])")]));
        let structured = Filter::from_structured(&json!({"memo": {"matches": "rent may"}})).expect("filter");
        assert_eq!(structured, parsed("memo matches 'rent may'"));
        assert!(Filter::from_structured(&json!({"memo": {"matches": 3}})).is_err());
        assert_eq!(Filter::from_structured(&json!({})), Ok(Filter::All));
    }

    #[test]
    fn errors_name_the_path_and_what_is_expected() {
        let error = Filter::from_structured(&json!({"or": [{"total": {"more": 1}}]})).expect_err("wrong");
        assert_eq!(
            error.to_string(),
            "the filter is wrong at `or.0.total.more`: expected one of eq, ne, lt, le, lte, gt, ge, gte, in, contains, matches, found `more`"
        );
        assert!(Filter::from_structured(&json!({"a": {"in": 3}})).is_err());
        assert!(Filter::from_structured(&json!({"a b": 3})).is_err());
        assert!(Filter::from_structured(&json!([1])).is_err());
        let deep = (0..60).fold(json!({}), |inner, _| json!({"not": inner}));
        assert!(Filter::from_structured(&deep).is_err());
    }
}
