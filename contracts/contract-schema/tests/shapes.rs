//! Shapes against schemas: what is proved to break them, and what is not.

use contract_model::shape::{FieldShape, Form, ListShape, Numeric, ObjectShape, Shape};
use contract_schema::{Schema, misfits};
use serde_json::{Value, json};

/// JSON as a shape; `"?"` is unknown, `"?text"` a text, `"?number"` a number, `"?absent"` is undefined, a field
/// `"..."` leaves the object open, an item `"..."` makes the one before it stand for any number of further ones.
fn shape(value: &Value) -> Shape {
    Shape::of(match value {
        Value::Null => Form::Null,
        Value::Bool(flag) => Form::Bool(Some(*flag)),
        Value::Number(number) => Form::Number(Numeric::Exact(number.clone())),
        Value::String(text) => match text.as_str() {
            "?" => Form::Unknown,
            "?text" => Form::Text(None),
            "?number" => Form::Number(Numeric::Any),
            "?absent" => Form::Absent,
            text => Form::Text(Some(text.to_owned())),
        },
        Value::Array(items) => {
            let endless = items.last() == Some(&json!("..."));
            let mut items: Vec<Shape> = items.iter().filter(|item| **item != json!("...")).map(shape).collect();
            let rest = if endless { items.pop().map(Box::new) } else { None };
            Form::List(ListShape { items, rest })
        }
        Value::Object(map) => {
            let fields = map.iter().filter(|(name, _)| *name != "...").map(|(name, value)| {
                let always = !name.ends_with('?');
                (name.trim_end_matches('?').to_owned(), FieldShape { value: shape(value), always, at: None })
            });
            Form::Object(ObjectShape { fields: fields.collect(), open: map.contains_key("...") })
        }
    })
}

#[track_caller]
fn check(schema: &Value, value: &Value, want: &[&str]) {
    check_shape(schema, &shape(value), want);
}

#[track_caller]
fn check_shape(schema: &Value, shape: &Shape, want: &[&str]) {
    let schema = Schema::compile_value(schema, "test").expect("a schema");
    let got: Vec<String> = misfits(&schema, shape).into_iter().map(|one| one.message).collect();
    assert_eq!(got, want, "{shape:?}");
}

#[test]
fn scalars() {
    let schema =
        json!({"properties": {"total": {"type": "integer", "minimum": 0}, "name": {"type": "string", "maxLength": 3}}});
    check(&schema, &json!({"total": 3, "name": "abc"}), &[]);
    check(&schema, &json!({"total": "12"}), &["`/total` must be an integer, got \"12\""]);
    check(&schema, &json!({"total": 1.5}), &["`/total` must be an integer, got 1.5"]);
    check(&schema, &json!({"total": -1}), &["`/total` must be at least 0, got -1"]);
    check(&schema, &json!({"total": "?", "name": "?"}), &[]);
    check(&schema, &json!({"total": "?text"}), &["`/total` must be an integer, got a text"]);
    check(&schema, &json!({"total": "?number"}), &[]);
    check(&schema, &json!({"name": "abcd"}), &["`/name` must have at most 3 characters, got \"abcd\""]);
    check(&schema, &json!({"total": null}), &["`/total` must be an integer, got null"]);
    check(&schema, &json!({"total": "?absent"}), &[]);
    check(&json!({"enum": ["a", 1]}), &json!("b"), &["the payload must be one of \"a\", 1, got \"b\""]);
    check(&json!({"const": 1}), &json!(1.0), &[]);
}

#[test]
fn required_and_unknown_fields() {
    let schema = json!({"required": ["id"], "properties": {"id": {}}, "additionalProperties": false});
    check(&schema, &json!({"id": 1}), &[]);
    check(&schema, &json!({}), &["the payload lacks the required field `id`"]);
    check(&schema, &json!({"...": 0}), &[]);
    check(&schema, &json!({"id": "?absent"}), &["the payload lacks the required field `id`"]);
    check(&schema, &json!({"id?": "?"}), &[]);
    check(&schema, &json!({"id": 1, "idd": 2}), &["the payload has the field `idd`, which the schema does not know"]);
    check(&schema, &json!({"id": 1, "idd": "?absent"}), &[]);
    let pattern = json!({"patternProperties": {"^x-": {"type": "string"}}, "additionalProperties": false});
    check(&pattern, &json!({"x-a": "b"}), &[]);
    check(&pattern, &json!({"x-a": 1}), &["`/x-a` must be a string, got 1"]);
}

#[test]
fn lists() {
    let schema = json!({"items": {"required": ["amount"]}, "minItems": 1});
    check(&schema, &json!([{"amount": 1}, {}]), &["`/1` lacks the required field `amount`"]);
    check(&schema, &json!([{}, "..."]), &["`/*` lacks the required field `amount`"]);
    check(&schema, &json!([]), &["the payload must have at least 1 items, got 0"]);
    check(&schema, &json!(["?", "..."]), &[]);
    check(&json!({"items": {"type": "integer"}}), &json!(["?absent"]), &["`/0` must be an integer, got null"]);
}

#[test]
fn one_of_several_must_all_break() {
    let schema = json!({"type": "integer"});
    check_shape(&schema, &Shape::one_of([shape(&json!("a")), shape(&json!(1))]), &[]);
    check_shape(
        &schema,
        &Shape::one_of([shape(&json!("a")), shape(&json!(true))]),
        &["the payload must be an integer, got \"a\""],
    );
    check_shape(&schema, &Shape::one_of([shape(&json!("a")), shape(&json!("?"))]), &[]);
    // `undefined` as a whole payload is sent as null.
    check_shape(&json!({"type": "object"}), &shape(&json!("?absent")), &["the payload must be an object, got null"]);
}

#[test]
fn combined_schemas() {
    let any = json!({"anyOf": [{"required": ["date"]}, {"required": ["postingDate"]}]});
    check(&any, &json!({"date": 1}), &[]);
    check(&any, &json!({}), &["the payload lacks the required field `date` (of 2 allowed forms this is the nearest)"]);
    let tagged = json!({"oneOf": [
        {"properties": {"kind": {"const": "a"}, "x": {"type": "string"}}, "required": ["kind", "x"]},
        {"properties": {"kind": {"const": "b"}, "y": {"type": "string"}}, "required": ["kind", "y"]}]});
    check(&tagged, &json!({"kind": "b", "y": "?"}), &[]);
    check(
        &tagged,
        &json!({"kind": "b", "y": 1}),
        &["`/y` must be a string, got 1 (of 2 allowed forms this is the nearest)"],
    );
    let reference = json!({"$ref": "#/$defs/a", "$defs": {"a": {"allOf": [{"type": "object"}, {"required": ["x"]}]}}});
    check(&reference, &json!({}), &["the payload lacks the required field `x`"]);
    // A constant is judged by what is not followed otherwise.
    check(&json!({"not": {"const": 1}}), &json!(1), &["the value: {\"const\":1} is not allowed for 1"]);
    check(&json!({"if": {"type": "string"}, "then": {"minLength": 2}}), &json!("?text"), &[]);
}

/// Of a value that may be null or an object, what is wrong with the object helps.
#[test]
fn of_several_values_the_nearest_miss_is_told() {
    let schema = json!({"type": "object", "required": ["id"]});
    let either = Shape::one_of([shape(&Value::Null), shape(&json!({"no": 1}))]);
    check_shape(&schema, &either, &["the payload lacks the required field `id`"]);
    check_shape(&schema, &Shape::one_of([shape(&Value::Null), shape(&json!({"id": 1}))]), &[]);
}
