//! Types and listed values.

use super::{Answer, Pair};
use crate::node::Node;
use serde_json::Value;
use std::collections::BTreeSet;

/// The types that JSON Schema tells apart; `integer` is part of `number`.
pub(super) const TYPES: [&str; 7] = ["null", "boolean", "object", "array", "number", "integer", "string"];

/// Whether a value fits a schema; where that cannot be told, it is taken to fit.
pub(super) fn fits(node: &Node<'_>, value: &Value) -> bool {
    if node.value == &Value::Bool(false) {
        return false;
    }
    crate::Schema::compile_value(&node.alone(), "").map_or(true, |schema| schema.is_valid(value))
}

/// Where the producer's values can be counted, each is tried.
pub(super) fn compare_finite(pair: &Pair<'_, '_>) -> Option<Answer> {
    let values = pair.producer.values.as_ref()?;
    let refused = values.iter().find(|value| !fits(pair.consumer, value));
    Some(match refused {
        Some(value) => pair.no(format!("the producer may send {value}")),
        None => Answer::Yes,
    })
}

/// Types, and the values that the consumer lists.
pub(super) fn compare(pair: &Pair<'_, '_>) -> Answer {
    let taken = taken(pair.consumer);
    let extra: Vec<&str> = pair.producer.types.iter().copied().filter(|name| !is_taken(&taken, name)).collect();
    if let Some(first) = extra.first() {
        let article = if extra.len() > 3 { "a value of any type" } else { crate::message::with_article(first) };
        let want: Vec<&str> = taken.iter().map(|name| crate::message::with_article(name)).collect();
        return pair.no(format!("the producer may send {article}, the consumer takes {}", want.join(" or ")));
    }
    match (pair.consumer.get("const"), pair.consumer.get("enum")) {
        (Some(one), _) => pair.no(format!("the consumer takes only {one}")),
        (None, Some(all)) => pair.no(format!("the consumer takes only {}", crate::message::excerpt(all))),
        (None, None) => Answer::Yes,
    }
}

fn taken(node: &Node<'_>) -> BTreeSet<String> {
    match node.get("type") {
        Some(Value::String(one)) => BTreeSet::from([one.clone()]),
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => TYPES.iter().map(|name| (*name).to_owned()).collect(),
    }
}

fn is_taken(taken: &BTreeSet<String>, name: &str) -> bool {
    taken.contains(name) || (name == "integer" && taken.contains("number"))
}
