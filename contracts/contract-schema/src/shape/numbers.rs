//! Keywords about numbers, against known numbers.

use super::misfit::{Misfit, Place};
use crate::node::{Node, refuses};
use contract_model::shape::{Form, Numeric, Shape};
use serde_json::Value;

pub(super) fn check(node: &Node<'_>, shape: &Shape, place: &Place, out: &mut Vec<Misfit>) {
    let Form::Number(Numeric::Exact(number)) = &shape.form else { return };
    let value = Value::Number(number.clone());
    let sentences = [
        ("minimum", "at least"),
        ("maximum", "at most"),
        ("exclusiveMinimum", "more than"),
        ("exclusiveMaximum", "less than"),
        ("multipleOf", "a multiple of"),
    ];
    for (keyword, must) in sentences {
        let Some(limit) = node.get(keyword) else { continue };
        if refuses(keyword, limit, &value) {
            out.push(place.misfit(shape, &format!("must be {must} {limit}, got {number}"), keyword, node));
        }
    }
}
