//! Filters and validation of contract-model, with refusals that handlers can catch.

use crate::refusal::{Halt, refusal};
use contract_model::ErrorCode;
use contract_model::collection::Collection;
use contract_model::filter::Filter;
use serde_json::{Map, Value, json};

/// A filter in the structured form, or an expression with its bound values.
pub(crate) fn parse(filter: &Value, bindings: &Map<String, Value>) -> Result<Filter, Halt> {
    let parsed = match filter {
        Value::String(expression) => Filter::parse(expression, bindings),
        structured => Filter::from_structured(structured),
    };
    parsed.map_err(|error| Halt::new(ErrorCode::FilterInvalid, error.to_string()))
}

/// Fills in defaults and checks every declared field of a record, which takes the place of the one of before, if any.
pub(crate) fn validate(
    collection: &Collection,
    record: &mut Map<String, Value>,
    before: Option<&Value>,
) -> Result<(), Halt> {
    collection.validate_change(record, before.and_then(Value::as_object)).map_err(|errors| {
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        let mut error = refusal(ErrorCode::RecordInvalid, format!("{}: {}", collection.name, texts.join("; ")));
        error.details = json!({"collection": collection.name, "fields": errors});
        error.into()
    })
}
