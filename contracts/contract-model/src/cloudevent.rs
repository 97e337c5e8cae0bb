//! An event in the structured JSON form of [CloudEvents 1.0](https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md).

use crate::event::{Event, rfc3339};
use crate::ids::{EventId, TenantId};
use crate::job;
use crate::topic::TopicName;
use serde::Serialize;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// An event as it is told, with the extension attributes `tenantid`, `correlationid`, `causationid`, `sequence`,
/// `partitionkey`, `idempotencykey`, `expirytime`, `actor` and `traceparent`; those that the event does not have are left
/// out. It is written where it lies: a log is read more often than it is written, and by many. Attributes are in the
/// order of their names, as in a [`Value`].
#[derive(Debug, Serialize)]
pub struct CloudEvent<'a> {
    actor: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    causationid: Option<&'a str>,
    correlationid: &'a str,
    data: Cow<'a, Value>,
    datacontenttype: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expirytime: Option<String>,
    id: &'a EventId,
    #[serde(skip_serializing_if = "Option::is_none")]
    idempotencykey: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    partitionkey: Option<&'a str>,
    sequence: String,
    source: String,
    specversion: &'static str,
    tenantid: &'a TenantId,
    time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<&'a str>,
    #[serde(rename = "type")]
    topic: &'a TopicName,
}

impl Event {
    /// The event as it is told.
    pub fn cloudevent(&self) -> CloudEvent<'_> {
        CloudEvent {
            actor: &self.actor,
            causationid: self.causation.as_deref(),
            correlationid: &self.correlation,
            data: self.shown(),
            datacontenttype: "application/json",
            expirytime: self.expires_ms.map(rfc3339),
            id: &self.id,
            idempotencykey: self.idempotency_key.as_deref(),
            // CloudEvents wants text here; an event without a key is in the tenant's own order.
            partitionkey: Some(self.key.as_str()).filter(|key| !key.is_empty()),
            sequence: self.sequence.to_string(),
            source: format!("/{}", self.publisher.replace(':', "/")),
            specversion: "1.0",
            tenantid: &self.tenant,
            time: rfc3339(self.time_ms),
            traceparent: self.trace.as_deref(),
            topic: &self.topic,
        }
    }

    /// The same as a value.
    pub fn to_cloudevent(&self) -> Value {
        // Texts and values only, so that there is nothing that could not be written.
        serde_json::to_value(self.cloudevent()).unwrap_or_default()
    }

    /// The payload as readers of the log see it. Records have rules of their own about who may read them, so what a
    /// record hook is told of them is not shown.
    fn shown(&self) -> Cow<'_, Value> {
        match &self.payload {
            Value::Object(payload) if job::is_hook(&self.topic) => {
                let open = payload.iter().filter(|(name, _)| !matches!(name.as_str(), "record" | "previous"));
                let open: Map<_, _> = open.map(|(name, value)| (name.clone(), value.clone())).collect();
                Cow::Owned(Value::Object(open))
            }
            payload => Cow::Borrowed(payload),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event() -> Event {
        let stored = json!({
            "id": "e1", "sequence": 7, "tenant": "demo", "topic": "gl.journal.posted", "publisher": "plugin:gl",
            "actor": "demo", "time_ms": 0, "correlation": "e1", "key": "", "payload": {"b": 1, "a": [null]},
        });
        serde_json::from_value(stored).expect("an event")
    }

    #[test]
    fn an_attribute_that_the_event_does_not_have_is_left_out() {
        let mut event = event();
        let names = |event: &Event| -> Vec<String> {
            event.to_cloudevent().as_object().expect("an object").keys().cloned().collect()
        };
        for absent in ["partitionkey", "causationid", "idempotencykey", "traceparent", "expirytime"] {
            assert!(!names(&event).iter().any(|name| name == absent), "{absent}");
        }
        event.key = "K".to_owned();
        assert_eq!(event.to_cloudevent()["partitionkey"], "K");
    }

    #[test]
    fn it_is_written_as_its_value_is() {
        let mut event = event();
        event.causation = Some("e0".to_owned());
        event.expires_ms = Some(1_700_000_000_123);
        let written = serde_json::to_string(&event.cloudevent()).expect("text");
        assert_eq!(written, event.to_cloudevent().to_string());
        assert!(written.contains(r#""expirytime":"2023-11-14T22:13:20.123Z""#), "{written}");
        assert!(written.contains(r#""source":"/plugin/gl""#), "{written}");
    }
}
