//! Keywords about texts, against known texts.

use super::misfit::{Misfit, Place};
use crate::node::{Node, refuses};
use contract_model::shape::{Form, Shape};
use serde_json::Value;

pub(super) fn check(node: &Node<'_>, shape: &Shape, place: &Place, out: &mut Vec<Misfit>) {
    let Form::Text(Some(text)) = &shape.form else { return };
    let value = Value::String(text.clone());
    let shown = crate::message::excerpt(&value);
    let sentences = [
        ("minLength", "must have at least {} characters, got "),
        ("maxLength", "must have at most {} characters, got "),
        ("pattern", "must match the pattern {}, got "),
        ("format", "must be a valid {}, got "),
    ];
    for (keyword, sentence) in sentences {
        let Some(limit) = node.get(keyword) else { continue };
        if refuses(keyword, limit, &value) {
            let limit = limit.as_str().map_or_else(|| limit.to_string(), str::to_owned);
            out.push(place.misfit(shape, &(sentence.replace("{}", &limit) + &shown), keyword, node));
        }
    }
}
