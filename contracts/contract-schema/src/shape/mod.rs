//! Whether a value of which only the shape is known can fit a schema.
//!
//! Only what holds for every value of the shape is said: a [`Misfit`] is a proof, its absence is none.

mod misfit;
mod numbers;
mod objects;
mod scalars;
mod types;

pub use misfit::Misfit;

use crate::Schema;
use crate::node::Node;
use contract_model::shape::{Form, Shape};
use misfit::Place;
use serde_json::Value;

/// The deepest nesting of schema and value that is followed.
const DEPTH_MAX: usize = 64;

/// The ways in which every value of this shape breaks the schema; none where some value may fit.
pub fn misfits(schema: &Schema, shape: &Shape) -> Vec<Misfit> {
    let shape = &sent(shape);
    let found = check(&Node::root(schema.source()), shape, &Place::top());
    if !found.is_empty() {
        return found;
    }
    // What is known to the last digit is judged by all keywords, also by those that are not followed here.
    let Some(value) = constant(shape) else { return Vec::new() };
    let violations = schema.validate(&value).err().unwrap_or_default();
    violations.into_iter().map(|violation| Misfit::from_violation(violation, shape)).collect()
}

/// `undefined` as a payload or an item is sent as null.
fn sent(shape: &Shape) -> Shape {
    let is_absent = |one: &Shape| one.form == Form::Absent;
    if !shape.alternatives().iter().any(is_absent) {
        return shape.clone();
    }
    let null = |one: &Shape| if is_absent(one) { Shape { form: Form::Null, at: one.at.clone() } } else { one.clone() };
    Shape::one_of(shape.alternatives().iter().map(null))
}

/// The value, where nothing about it is open.
pub(crate) fn constant(shape: &Shape) -> Option<Value> {
    match &shape.form {
        Form::Null => Some(Value::Null),
        Form::Bool(Some(flag)) => Some(Value::Bool(*flag)),
        Form::Number(contract_model::shape::Numeric::Exact(number)) => Some(Value::Number(number.clone())),
        Form::Text(Some(text)) => Some(Value::String(text.clone())),
        Form::List(list) if list.rest.is_none() => list.items.iter().map(constant).collect(),
        Form::Object(object) if !object.open => {
            let present = object.fields.iter().filter(|(_, field)| field.value.form != Form::Absent);
            present
                .map(|(name, field)| Some((name.clone(), constant(&field.value).filter(|_| field.always)?)))
                .collect()
        }
        _ => None,
    }
}

/// The misfits of a value under one schema; of a value that may be several things, those of the nearest miss.
fn check(node: &Node<'_>, shape: &Shape, place: &Place) -> Vec<Misfit> {
    if place.depth() > DEPTH_MAX || shape.form == Form::Unknown || shape.form == Form::Absent {
        return Vec::new();
    }
    let all = shape.alternatives();
    let mut nearest: Option<Vec<Misfit>> = None;
    for alternative in all {
        let found = check_one(node, alternative, place);
        if found.is_empty() {
            return Vec::new();
        }
        if nearest.as_ref().is_none_or(|known| distance(&found, place) < distance(known, place)) {
            nearest = Some(found);
        }
    }
    nearest.unwrap_or_default()
}

fn check_one(node: &Node<'_>, shape: &Shape, place: &Place) -> Vec<Misfit> {
    if matches!(shape.form, Form::Unknown | Form::Absent) {
        return Vec::new();
    }
    let mut out = Vec::new();
    for part in node.conjuncts() {
        if part.value == &Value::Bool(false) {
            out.push(place.misfit(shape, "must not be there", "false", &part));
            continue;
        }
        types::check(&part, shape, place, &mut out);
        scalars::check(&part, shape, place, &mut out);
        numbers::check(&part, shape, place, &mut out);
        match &shape.form {
            Form::Object(object) => objects::check(&part, shape, object, place, &mut out),
            Form::List(list) => objects::check_list(&part, shape, list, place, &mut out),
            _ => {}
        }
        for keyword in ["anyOf", "oneOf"] {
            out.extend(branches(&part, keyword, shape, place));
        }
    }
    out
}

/// A choice is broken where every branch is; the nearest miss is what is told.
fn branches(node: &Node<'_>, keyword: &'static str, shape: &Shape, place: &Place) -> Vec<Misfit> {
    let all = node.list(keyword);
    let count = all.len();
    let mut nearest: Option<Vec<Misfit>> = None;
    for branch in all {
        let found = check(&branch, shape, place);
        if found.is_empty() {
            return Vec::new();
        }
        if nearest.as_ref().is_none_or(|known| distance(&found, place) < distance(known, place)) {
            nearest = Some(found);
        }
    }
    let mut nearest = nearest.unwrap_or_default();
    if count > 1 {
        nearest.truncate(1);
        for misfit in &mut nearest {
            misfit.message = format!("{} (of {count} allowed forms this is the nearest)", misfit.message);
        }
    }
    nearest
}

/// How far a branch is missed: a wrong kind of value or a wrong tag further than a wrong field within.
fn distance(found: &[Misfit], place: &Place) -> (usize, usize) {
    let own = found.iter().filter(|one| one.pointer == place.pointer() && one.keyword == "type").count();
    let tags = found.iter().filter(|one| matches!(one.keyword.as_str(), "const" | "enum")).count();
    (own * 2 + tags, found.len())
}
