//! The wiring as an AsyncAPI 3.0 document.

use crate::render::json::document;
use crate::{Direction, TopicCard, Wiring};
use serde_json::{Map, Value, json};

/// The version a topic or a suite has that says none.
const UNVERSIONED: &str = "0.0.0";

/// One channel a topic, one operation an edge, as the plugin at its end sees it: who publishes sends, who consumes
/// receives. Patterns have no channel of their own; who consumes one receives each topic under it.
pub fn asyncapi(wiring: &Wiring) -> String {
    let exact: Vec<&TopicCard> = wiring.topics.iter().filter(|topic| !topic.name.contains('*')).collect();
    let channels: Map<String, Value> = exact.iter().map(|topic| (id(&topic.name), channel(topic))).collect();
    let messages: Map<String, Value> = exact.iter().map(|topic| (id(&topic.name), message(topic))).collect();
    let operations: Map<String, Value> = exact.iter().flat_map(|topic| operations(wiring, topic)).collect();
    let tags = |slug: &String| json!({"name": slug});
    document(&json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": wiring.name.as_deref().unwrap_or("Suite"),
            "version": UNVERSIONED,
            "description": "The topics of a suite of plugins, who publishes them and who consumes them.",
            "tags": wiring.plugins.iter().map(|plugin| tags(&plugin.slug)).collect::<Vec<_>>(),
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages},
    }))
}

/// Keys of components hold letters, digits, dots, dashes and underscores only, as topics do.
fn id(topic: &str) -> String {
    topic.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '_' }).collect()
}

fn channel(topic: &TopicCard) -> Value {
    let mut channel = json!({
        "address": topic.name,
        "messages": {id(&topic.name): {"$ref": format!("#/components/messages/{}", id(&topic.name))}},
    });
    if let Some(owner) = &topic.owner {
        channel["tags"] = json!([{"name": owner}]);
    }
    for (key, value) in [("x-kind", topic.kind), ("x-visibility", topic.visibility)] {
        if let Some(value) = value {
            channel[key] = json!(value);
        }
    }
    channel["x-wiring"] = json!(topic.verdict);
    if let Some(reason) = &topic.external {
        channel["x-external"] = json!(reason);
    }
    channel
}

fn message(topic: &TopicCard) -> Value {
    let mut message = json!({"name": topic.name, "contentType": "application/json"});
    if let Some(schema) = &topic.schema {
        message["payload"] =
            json!({"schemaFormat": "application/schema+json;version=draft-07", "schema": draft_07(schema)});
    }
    if let Some(version) = &topic.version {
        message["x-version"] = json!(version);
    }
    if let Some(key) = &topic.key {
        message["x-key"] = json!(key);
    }
    if let Some(instead) = &topic.deprecated {
        message["tags"] = json!([{"name": "deprecated"}]);
        message["x-deprecated-for"] = json!(instead);
    }
    message
}

/// AsyncAPI 3.0 knows JSON Schema up to draft 7. Where a schema of 2020-12 says more, this says less, never something
/// else: `$defs` moves to `definitions`, `prefixItems` to `items`, and what draft 7 does not know is ignored there.
fn draft_07(schema: &Value) -> Value {
    match schema {
        Value::Object(fields) => {
            Value::Object(fields.iter().filter_map(|(key, value)| field(key, value, fields)).collect())
        }
        Value::Array(items) => items.iter().map(draft_07).collect(),
        other => other.clone(),
    }
}

fn field(key: &str, value: &Value, beside: &Map<String, Value>) -> Option<(String, Value)> {
    let (key, value) = match (key, value) {
        ("$schema" | "$id" | "$anchor" | "$vocabulary" | "$dynamicAnchor" | "$dynamicRef", _) => return None,
        ("$ref", Value::String(at)) => ("$ref", json!(at.replace("#/$defs/", "#/definitions/"))),
        ("$defs", _) => ("definitions", draft_07(value)),
        ("prefixItems", _) => ("items", draft_07(value)),
        ("items", _) if beside.contains_key("prefixItems") => ("additionalItems", draft_07(value)),
        ("const" | "enum" | "default" | "examples", _) => (key, value.clone()),
        _ => (key, draft_07(value)),
    };
    Some((key.to_owned(), value))
}

fn operations(wiring: &Wiring, topic: &TopicCard) -> Vec<(String, Value)> {
    let ends = [(Direction::Publishes, "send"), (Direction::Consumes, "receive")];
    let of = |(direction, action): (Direction, &'static str)| {
        wiring.at_end(&topic.name, direction).into_iter().map(move |slug| {
            let operation = operation(wiring, topic, slug, direction, action);
            (format!("{slug}.{action}.{}", id(&topic.name)), operation)
        })
    };
    ends.into_iter().flat_map(of).collect()
}

fn operation(wiring: &Wiring, topic: &TopicCard, slug: &str, direction: Direction, action: &str) -> Value {
    let channel = format!("#/channels/{}", id(&topic.name));
    let mut operation = json!({
        "action": action,
        "channel": {"$ref": channel},
        "messages": [{"$ref": format!("{channel}/messages/{}", id(&topic.name))}],
        "tags": [{"name": slug}],
        "summary": format!("`{slug}` {} `{}`", if action == "send" { "publishes" } else { "consumes" }, topic.name),
    });
    // The document's reply has one channel; the error's goes beside it.
    let reply = topic.replies.first().filter(|reply| wiring.topic(reply).is_some());
    if let (Some(reply), true) = (reply, topic.kind == Some("request")) {
        let channel = format!("#/channels/{}", id(reply));
        operation["reply"] = json!({
            "channel": {"$ref": channel},
            "messages": [{"$ref": format!("{channel}/messages/{}", id(reply))}],
        });
        if let Some(error) = topic.replies.get(1) {
            operation["x-error-reply"] = json!(error);
        }
    }
    if !wiring.is_firm(slug, direction, &topic.name) {
        operation["x-certain"] = json!(false);
    }
    operation
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_come_down_to_draft_7() {
        let schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$defs": {"a": {"const": {"$schema": "kept"}}},
            "properties": {"x": {"$ref": "#/$defs/a"}, "y": {"prefixItems": [true], "items": false}},
        });
        let want = json!({
            "definitions": {"a": {"const": {"$schema": "kept"}}},
            "properties": {"x": {"$ref": "#/definitions/a"}, "y": {"items": [true], "additionalItems": false}},
        });
        assert_eq!(draft_07(&schema), want);
    }
}
