//! `type`, `const` and `enum` against shapes.

use super::misfit::{Misfit, Place};
use crate::node::Node;
use contract_model::shape::{Form, Numeric, Shape};
use serde_json::{Number, Value};

pub(super) fn check(node: &Node<'_>, shape: &Shape, place: &Place, out: &mut Vec<Misfit>) {
    if let Some(types) = node.get("type") {
        let allowed: Vec<&str> = match types {
            Value::String(one) => vec![one],
            Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
            _ => return,
        };
        if !allowed.iter().any(|name| may_be(shape, name)) {
            let names: Vec<&str> = allowed.iter().map(|name| crate::message::with_article(name)).collect();
            let what = format!("must be {}, got {}", names.join(" or "), shown(shape));
            out.push(place.misfit(shape, &what, "type", node));
            return;
        }
    }
    if let Some(wanted) = node.get("const")
        && !may_equal(shape, wanted)
    {
        out.push(place.misfit(shape, &format!("must be {wanted}, got {}", shown(shape)), "const", node));
    }
    if let Some(Value::Array(options)) = node.get("enum")
        && !options.iter().any(|option| may_equal(shape, option))
    {
        let list: Vec<String> = options.iter().take(8).map(Value::to_string).collect();
        let what = format!("must be one of {}, got {}", list.join(", "), shown(shape));
        out.push(place.misfit(shape, &what, "enum", node));
    }
}

/// Whether a value of this shape may be of a type.
fn may_be(shape: &Shape, name: &str) -> bool {
    match &shape.form {
        Form::Unknown | Form::Absent | Form::OneOf(_) => true,
        Form::Null => name == "null",
        Form::Bool(_) => name == "boolean",
        Form::Text(_) => name == "string",
        Form::List(_) => name == "array",
        Form::Object(_) => name == "object",
        Form::Number(Numeric::Exact(number)) => name == "number" || (name == "integer" && is_whole(number)),
        Form::Number(_) => matches!(name, "number" | "integer"),
    }
}

pub(super) fn is_whole(number: &Number) -> bool {
    number.is_i64() || number.is_u64() || number.as_f64().is_some_and(|float| float.fract() == 0.0)
}

/// Whether a value of this shape may be this value.
pub(super) fn may_equal(shape: &Shape, value: &Value) -> bool {
    match (&shape.form, value) {
        (Form::Unknown | Form::Absent, _)
        | (Form::Null, Value::Null)
        | (Form::Bool(None), Value::Bool(_))
        | (Form::Text(None), Value::String(_))
        | (Form::Number(Numeric::Whole | Numeric::Fraction | Numeric::Any), Value::Number(_)) => true,
        (Form::OneOf(all), _) => all.iter().any(|one| may_equal(one, value)),
        (Form::Bool(Some(flag)), Value::Bool(other)) => flag == other,
        (Form::Text(Some(text)), Value::String(other)) => text == other,
        (Form::Number(Numeric::Exact(number)), Value::Number(other)) => same(number, other),
        (Form::List(list), Value::Array(items)) => {
            let count = list.items.len();
            (if list.rest.is_some() { items.len() >= count } else { items.len() == count })
                && list.items.iter().zip(items).all(|(shape, value)| may_equal(shape, value))
        }
        (Form::Object(object), Value::Object(map)) => {
            let fields_fit = object.fields.iter().all(|(name, field)| match map.get(name) {
                Some(value) => may_equal(&field.value, value),
                None => !field.always || field.value.alternatives().iter().any(|one| may_be_absent(&one.form)),
            });
            fields_fit && (object.open || map.keys().all(|name| object.fields.contains_key(name)))
        }
        _ => false,
    }
}

pub(super) fn may_be_absent(form: &Form) -> bool {
    matches!(form, Form::Absent | Form::Unknown)
}

fn same(a: &Number, b: &Number) -> bool {
    a == b || (a.as_f64().is_some() && a.as_f64() == b.as_f64())
}

/// A value in a sentence.
pub(super) fn shown(shape: &Shape) -> String {
    match &shape.form {
        Form::Null => "null".to_owned(),
        Form::Bool(Some(flag)) => flag.to_string(),
        Form::Bool(None) => "true or false".to_owned(),
        Form::Number(Numeric::Exact(number)) => number.to_string(),
        Form::Number(_) => "a number".to_owned(),
        Form::Text(Some(text)) => crate::message::excerpt(&Value::String(text.clone())),
        Form::Text(None) => "a text".to_owned(),
        Form::List(_) => "an array".to_owned(),
        Form::Object(_) => "an object".to_owned(),
        Form::Unknown | Form::Absent | Form::OneOf(_) => "something else".to_owned(),
    }
}
