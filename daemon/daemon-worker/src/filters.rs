//! Filters and validation of contract-model, with refusals that handlers can catch.

use crate::refusal::Halt;
use contract_model::collection::Collection;
use contract_model::filter::{Comparison, Filter};
use serde_json::{Map, Value};
use std::cmp::Ordering;

pub(crate) fn matches(filter: &Filter, record: &Value) -> bool {
    match filter {
        Filter::All => true,
        Filter::And(parts) => parts.iter().all(|part| matches(part, record)),
        Filter::Or(parts) => parts.iter().any(|part| matches(part, record)),
        Filter::Not(part) => !matches(part, record),
        Filter::Field { field, op, value } => {
            let ordering = compare(&record[field], value);
            match op {
                Comparison::Eq => ordering == Ordering::Equal,
                Comparison::Ne => ordering != Ordering::Equal,
                Comparison::Lt => ordering == Ordering::Less,
                Comparison::Le => ordering != Ordering::Greater,
                Comparison::Gt => ordering == Ordering::Greater,
                Comparison::Ge => ordering != Ordering::Less,
                Comparison::In => value.as_array().is_some_and(|list| list.contains(&record[field])),
                Comparison::Contains => false,
            }
        }
    }
}

pub(crate) fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => match (a.as_i64(), b.as_i64()) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => a.as_f64().partial_cmp(&b.as_f64()).unwrap_or(Ordering::Equal),
        },
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        _ => rank(a).cmp(&rank(b)),
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

pub(crate) fn validate(_collection: &Collection, _record: &mut Map<String, Value>) -> Result<(), Halt> {
    Ok(())
}

pub(crate) fn parse(filter: &Value, _bindings: &Map<String, Value>) -> Result<Filter, Halt> {
    match filter {
        Value::Null => Ok(Filter::All),
        Value::Object(map) => Ok(Filter::And(
            map.iter()
                .map(|(field, value)| Filter::Field {
                    field: field.clone(),
                    op: Comparison::Eq,
                    value: value.clone(),
                })
                .collect(),
        )),
        _ => Err(Halt::new(contract_model::ErrorCode::FilterInvalid, "not yet")),
    }
}
