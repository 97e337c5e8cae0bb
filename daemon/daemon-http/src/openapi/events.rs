//! Publishing in the API's description: the bodies that are taken, and how each is answered.

use crate::ndjson;
use serde_json::{Map, Value, json};

/// The route that is described here.
pub(super) const PUBLISH: (&str, &str) = ("post", "/api/events");

/// The shapes that the route refers to.
pub(super) fn schemas() -> [(&'static str, Value); 3] {
    let line = json!({"anyOf": [published(), refused()]});
    [("CloudEvent", event()), ("Published", published()), ("PublishedLine", line)]
}

/// Adds what is sent and what is answered. Of lines the shape of one is given, as for the verbs that take them.
pub(super) fn describe(operation: &mut Value) {
    let structured = ["application/cloudevents+json", "application/json"];
    let sent = structured.into_iter().chain([ndjson::MEDIA_TYPE]).map(|media_type| (media_type, "CloudEvent"));
    operation["requestBody"] = json!({
        "description": "A structured CloudEvent, or many of them as lines. In the binary mode, with `ce-` headers, the body is the payload.",
        "required": true,
        "content": content(sent),
    });
    let answered = content([("application/json", "Published"), (ndjson::MEDIA_TYPE, "PublishedLine")]);
    operation["responses"]["2XX"]["content"] = answered.into();
}

fn content(of: impl IntoIterator<Item = (&'static str, &'static str)>) -> Map<String, Value> {
    let refer = |name: &str| json!({"schema": {"$ref": format!("#/components/schemas/{name}")}});
    of.into_iter().map(|(media_type, name)| (media_type.to_owned(), refer(name))).collect()
}

/// What the daemon asks of an event; what it does not know it passes over.
fn event() -> Value {
    let text = json!({"type": "string", "minLength": 1});
    json!({
        "type": "object",
        "required": ["type"],
        "properties": {
            "specversion": {"const": "1.0"}, "id": text, "source": text, "type": text, "data": true,
            "idempotencykey": text, "traceparent": text,
        },
    })
}

/// `reply` and `status` stand beside with `Prefer: wait=N`.
fn published() -> Value {
    json!({
        "type": "object",
        "required": ["id", "sequence", "duplicate"],
        "properties": {
            "id": {"type": "string"}, "sequence": {"type": "integer"}, "duplicate": {"type": "boolean"},
            "status": {"enum": ["ok", "error", "pending", "timeout", "no_responder"]}, "reply": {"type": ["object", "null"]},
        },
    })
}

fn refused() -> Value {
    json!({
        "type": "object",
        "required": ["status", "error"],
        "properties": {
            "status": {"type": "integer"}, "retry_after": {"type": "integer"},
            "error": {
                "type": "object",
                "required": ["code", "message"],
                "properties": {"code": {"type": "string"}, "message": {"type": "string"}, "details": true},
            },
        },
    })
}
