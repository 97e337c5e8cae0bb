//! Values as JSON.

use cel::Value;
use cel::objects::Key;
use std::collections::BTreeMap;

/// A value as JSON, keys sorted.
pub(crate) fn json(value: &Value) -> serde_json::Value {
    use serde_json::Value as Json;
    match value {
        Value::List(items) => Json::Array(items.iter().map(json).collect()),
        Value::Map(map) => {
            let sorted: BTreeMap<String, &Value> = map.map.iter().map(|(key, value)| (text(key), value)).collect();
            Json::Object(sorted.into_iter().map(|(key, value)| (key, json(value))).collect())
        }
        Value::Int(number) => Json::from(*number),
        Value::UInt(number) => Json::from(*number),
        Value::Float(number) => Json::from(*number),
        Value::String(text) => Json::String(text.to_string()),
        Value::Bool(flag) => Json::Bool(*flag),
        _ => Json::Null,
    }
}

fn text(key: &Key) -> String {
    match key {
        Key::String(text) => text.to_string(),
        Key::Int(number) => number.to_string(),
        Key::Uint(number) => number.to_string(),
        Key::Bool(flag) => flag.to_string(),
    }
}
