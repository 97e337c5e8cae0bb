//! Keywords about objects and lists, against shapes.

use super::misfit::{Misfit, Place};
use super::{check as fits, sent};
use crate::node::{Node, name_matches};
use contract_model::shape::{FieldShape, Form, ListShape, ObjectShape, Shape};
use serde_json::Value;

pub(super) fn check(node: &Node<'_>, shape: &Shape, object: &ObjectShape, place: &Place, out: &mut Vec<Misfit>) {
    let required = node.get("required").and_then(Value::as_array).into_iter().flatten();
    for name in required.filter_map(Value::as_str) {
        if is_missing(object, name) {
            let mut misfit = place.misfit(shape, &format!("lacks the required field `{name}`"), "required", node);
            misfit.field = Some(name.to_owned());
            // A field that is written and yet absent is the better place.
            misfit.at = object.fields.get(name).and_then(|field| field.at.clone()).or(misfit.at);
            out.push(misfit);
        }
    }
    for (name, field) in &object.fields {
        let inner = place.step(name);
        let mut declared = false;
        if let Some(property) = node.named("properties", name) {
            declared = true;
            out.extend(fits(&property, &field.value, &inner));
        }
        for (pattern, property) in node.by_name("patternProperties") {
            if name_matches(pattern, name) {
                declared = true;
                out.extend(fits(&property, &field.value, &inner));
            }
        }
        if let Some(additional) = node.child("additionalProperties").filter(|_| !declared) {
            out.extend(extra(&additional, node, name, field, shape, place));
        }
    }
}

fn extra(
    additional: &Node<'_>,
    node: &Node<'_>,
    name: &str,
    field: &FieldShape,
    shape: &Shape,
    place: &Place,
) -> Vec<Misfit> {
    if additional.value != &Value::Bool(false) {
        return fits(additional, &field.value, &place.step(name));
    }
    // A field whose value is undefined is not sent.
    if field.value.form == Form::Absent {
        return Vec::new();
    }
    let what = format!("has the field `{name}`, which the schema does not know");
    let mut misfit = place.misfit(shape, &what, "additionalProperties", node);
    misfit.at = field.at.clone().or(misfit.at);
    misfit.field = Some(name.to_owned());
    vec![misfit]
}

fn is_missing(object: &ObjectShape, name: &str) -> bool {
    match object.fields.get(name) {
        None => !object.open,
        Some(field) => field.value.form == Form::Absent,
    }
}

pub(super) fn check_list(node: &Node<'_>, shape: &Shape, list: &ListShape, place: &Place, out: &mut Vec<Misfit>) {
    let limit = |keyword| node.get(keyword).and_then(Value::as_u64).and_then(|limit| usize::try_from(limit).ok());
    let count = list.items.len();
    if let Some(least) = limit("minItems").filter(|least| list.rest.is_none() && count < *least) {
        out.push(place.misfit(shape, &format!("must have at least {least} items, got {count}"), "minItems", node));
    }
    if let Some(most) = limit("maxItems").filter(|most| count > *most) {
        out.push(place.misfit(shape, &format!("must have at most {most} items, got {count}"), "maxItems", node));
    }
    let first = node.list("prefixItems");
    let further = node.child("items");
    for (at, item) in list.items.iter().enumerate() {
        if let Some(schema) = first.get(at).or(further.as_ref()) {
            out.extend(fits(schema, &sent(item), &place.step(&at.to_string())));
        }
    }
    if let (Some(rest), Some(schema)) = (&list.rest, &further)
        && first.is_empty()
    {
        out.extend(fits(schema, &sent(rest), &place.step("*")));
    }
}
