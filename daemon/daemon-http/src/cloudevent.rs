//! CloudEvents 1.0 as clients send them: structured (the event is the body) or binary (attributes in `ce-` headers).

use crate::auth::Member;
use crate::error::{ApiError, ApiResult};
use crate::headers::{idempotency_key, traceparent};
use crate::json::Text;
use axum::http::{HeaderMap, header};
use contract_model::{ErrorCode, EventId};
use daemon_host::ExternalEvent;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

/// Reads the event of a request. `source` and `time` are the daemon's to say and are not taken over.
pub(crate) fn read(member: &Member, headers: &HeaderMap, value: Value) -> ApiResult<ExternalEvent> {
    let attributes = if is_binary(headers) { binary(headers, value)? } else { structured(value, Text::Body)? };
    let mut event = event(member, attributes)?;
    // What every client can send says the same as the extension attribute, which goes before it.
    let key = idempotency_key(headers)?;
    event.idempotency_key = event.idempotency_key.or_else(|| key.map(str::to_owned));
    Ok(event)
}

/// Reads the event of one line of a stream, which is structured.
pub(crate) fn read_line(member: &Member, value: Value, line: Text) -> ApiResult<ExternalEvent> {
    let event = event(member, structured(value, line)?);
    event.map_err(|error| ApiError { message: format!("{line}: {}", error.message), ..error })
}

/// Without `ce-` headers the event is structured, whatever JSON media type it comes as.
fn is_binary(headers: &HeaderMap) -> bool {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    headers.contains_key("ce-type") && !media_type.trim_start().starts_with("application/cloudevents")
}

fn structured(value: Value, of: Text) -> ApiResult<Map<String, Value>> {
    let several = match of {
        Text::Body => "send several as lines, with `Content-Type: application/x-ndjson`",
        Text::Line(_) => "send each on a line of its own",
    };
    match value {
        Value::Object(attributes) => Ok(attributes),
        Value::Array(_) => Err(invalid("", &format!("{of} must be one CloudEvent, not a list; {several}"))),
        _ => Err(invalid("", &format!("{of} must be a CloudEvent: a JSON object with `type` and `data`"))),
    }
}

/// Attributes in headers are percent-encoded UTF-8.
fn binary(headers: &HeaderMap, data: Value) -> ApiResult<Map<String, Value>> {
    let mut out = Map::new();
    for (name, value) in headers {
        let Some(name) = name.as_str().strip_prefix("ce-") else { continue };
        let text = value.to_str().ok().and_then(|text| percent_decode_str(text).decode_utf8().ok());
        let text = text.ok_or_else(|| invalid(name, "the header is not percent-encoded UTF-8"))?;
        out.insert(name.to_owned(), text.into_owned().into());
    }
    out.insert("data".to_owned(), data);
    Ok(out)
}

fn event(member: &Member, mut attributes: Map<String, Value>) -> ApiResult<ExternalEvent> {
    match attributes.get("specversion").map(Value::as_str) {
        None | Some(Some("1.0")) => {}
        Some(_) => return Err(invalid("specversion", "only CloudEvents 1.0 are taken")),
    }
    if attributes.contains_key("data_base64") {
        return Err(invalid("data_base64", "payloads are JSON; give them as `data`"));
    }
    let topic = text(&attributes, "type")?.ok_or_else(|| invalid("type", "`type` must name the topic"))?;
    let id = text(&attributes, "id")?;
    if let Some(id) = &id {
        EventId::new(id).map_err(|error| invalid("id", &error.to_string()))?;
    }
    let idempotency_key = text(&attributes, "idempotencykey")?;
    let payload = attributes.remove("data").unwrap_or(Value::Null);
    // The extension for distributed tracing: an event's own trace says more than that of the request it came with.
    let own = attributes.get("traceparent").and_then(Value::as_str).and_then(traceparent);
    let trace = own.or_else(|| member.trace.clone());
    let (tenant, identity) = (member.tenant.clone(), member.identity.clone());
    Ok(ExternalEvent { tenant, identity, id, topic, payload, idempotency_key, trace })
}

fn text(attributes: &Map<String, Value>, name: &str) -> ApiResult<Option<String>> {
    match attributes.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if !text.is_empty() && text.len() <= 1_024 => Ok(Some(text.clone())),
        Some(_) => Err(invalid(name, &format!("`{name}` must be a text of 1 to 1024 bytes"))),
    }
}

fn invalid(attribute: &str, message: &str) -> ApiError {
    let pointer = if attribute.is_empty() { String::new() } else { format!("/{attribute}") };
    let violation = serde_json::json!({"pointer": pointer, "message": message});
    ApiError::new(ErrorCode::BodyInvalid, message).with_details(serde_json::json!({"violations": [violation]}))
}
