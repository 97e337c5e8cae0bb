//! An export in the JSON form of OTLP.

use crate::record::Record;
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// `ExportTraceServiceRequest`.
pub(crate) fn body(resource: &[(String, String)], batch: &[Record]) -> Value {
    let resource: Vec<Value> = resource.iter().map(|(name, value)| attribute(name, value)).collect();
    let spans: Vec<Value> = batch.iter().map(span).collect();
    let scope = json!({ "name": "trunkline", "version": env!("CARGO_PKG_VERSION") });
    json!({ "resourceSpans": [{
        "resource": { "attributes": resource },
        "scopeSpans": [{ "scope": scope, "spans": spans }],
    }] })
}

fn span(record: &Record) -> Value {
    let attributes: Vec<Value> = record.attributes.iter().map(|(name, value)| attribute(name, value)).collect();
    let mut span = json!({
        "traceId": format!("{:032x}", record.context.trace),
        "spanId": format!("{:016x}", record.context.span),
        "name": record.name,
        "kind": record.kind as u8,
        "startTimeUnixNano": nanos(record.began),
        "endTimeUnixNano": nanos(record.ended),
        "attributes": attributes,
        "flags": 1,
    });
    if let Some(parent) = record.parent {
        span["parentSpanId"] = format!("{parent:016x}").into();
    }
    if let Some(error) = &record.error {
        span["status"] = json!({ "code": 2, "message": error });
    }
    span
}

fn attribute(name: &str, value: &str) -> Value {
    json!({ "key": name, "value": { "stringValue": value } })
}

fn nanos(time: SystemTime) -> String {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos()).to_string()
}
