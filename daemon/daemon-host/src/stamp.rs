//! From what a handler wants to publish to an event as it is stored: checked, keyed and stamped.

use crate::api::HostError;
use crate::contracts::{Contracts, Topic};
use contract_model::event::EVENT_HOPS_MAX;
use contract_model::limits::{EVENT_DELAY_MS_MAX, EVENT_HEADERS_BYTES_MAX, EVENT_PAYLOAD_BYTES_MAX};
use contract_model::{ErrorCode, Event, EventId, Sequence, TenantId, TopicName};
use contract_schema::payload_fault;
use daemon_frame::DraftEvent;
use serde_json::{Map, Value};

/// Where a unit of work comes from, which everything it publishes carries on.
#[derive(Debug, Clone)]
pub(crate) struct Cause {
    pub(crate) tenant: TenantId,
    /// `plugin:<slug>`, `rest:<user>` or `daemon`.
    pub(crate) publisher: String,
    pub(crate) actor: String,
    /// Of a client that publishes over HTTP; a plugin's events carry none.
    pub(crate) roles: Vec<String>,
    pub(crate) correlation: String,
    pub(crate) causation: Option<String>,
    pub(crate) hops: u16,
    pub(crate) trace: Option<String>,
    pub(crate) now_ms: u64,
}

impl Cause {
    /// What handling this event causes.
    pub(crate) fn of_event(event: &Event, plugin: &str, now_ms: u64) -> Self {
        Self {
            tenant: event.tenant.clone(),
            publisher: format!("plugin:{plugin}"),
            actor: event.actor.clone(),
            roles: Vec::new(),
            correlation: event.correlation.clone(),
            causation: Some(event.id.as_str().to_owned()),
            hops: event.hops + 1,
            trace: event.trace.clone(),
            now_ms,
        }
    }
}

/// An event to be, as asked for.
pub(crate) struct Wanted {
    pub(crate) id: String,
    pub(crate) topic: String,
    pub(crate) payload: Value,
    pub(crate) key: Option<String>,
    pub(crate) idempotency_key: Option<String>,
    pub(crate) delay_ms: u64,
    pub(crate) headers: Map<String, Value>,
}

impl From<DraftEvent> for Wanted {
    fn from(draft: DraftEvent) -> Self {
        let DraftEvent { id, topic, payload, key, idempotency_key, delay_ms, headers, reply: _ } = draft;
        Self { id, topic, payload, key, idempotency_key, delay_ms, headers }
    }
}

/// Checks an event against its topic's contract and stamps it. Its sequence is given at commit.
pub(crate) fn stamp(contracts: &Contracts, cause: &Cause, wanted: Wanted) -> Result<Event, HostError> {
    let (topic, contract) = contracts.known_topic(&wanted.topic)?;
    if cause.hops > EVENT_HOPS_MAX {
        let text = format!(
            "an event on `{topic}` would be the {}th of its chain; at most {EVENT_HOPS_MAX} may follow one another",
            cause.hops
        );
        return Err(HostError::new(ErrorCode::HopLimit, text));
    }
    check_payload(&topic, contract, &wanted.payload)?;
    check_extent(&topic, &wanted)?;
    let id = EventId::new(&wanted.id).map_err(|error| HostError::new(ErrorCode::PayloadInvalid, error.to_string()))?;
    let idempotency_key = wanted.idempotency_key.or_else(|| contract.idempotency_key(&wanted.payload));
    let due_ms = (wanted.delay_ms > 0).then(|| cause.now_ms + wanted.delay_ms);
    Ok(Event {
        id,
        sequence: Sequence(0),
        tenant: cause.tenant.clone(),
        publisher: cause.publisher.clone(),
        actor: cause.actor.clone(),
        roles: cause.roles.clone(),
        time_ms: cause.now_ms,
        correlation: cause.correlation.clone(),
        causation: cause.causation.clone(),
        hops: cause.hops,
        key: wanted.key.unwrap_or_else(|| contract.order_key(&wanted.payload)),
        idempotency_key,
        trace: cause.trace.clone(),
        due_ms,
        // A delayed event lives from when it is due: before that nobody could have handled it.
        expires_ms: contract.ttl.map(|ttl| due_ms.unwrap_or(cause.now_ms).saturating_add(ttl.0)),
        headers: wanted.headers,
        payload: wanted.payload,
        topic,
    })
}

pub(crate) fn check_payload(topic: &TopicName, contract: &Topic, payload: &Value) -> Result<(), HostError> {
    if let Some(schema) = &contract.schema
        && let Err(violations) = schema.validate(payload)
    {
        let (text, details) = payload_fault(topic.as_str(), &violations);
        return Err(HostError::new(ErrorCode::PayloadInvalid, text).with_details(details));
    }
    // Cheap upper bound first: only a payload that might be too long is written out to be measured.
    if may_exceed(payload, EVENT_PAYLOAD_BYTES_MAX) {
        let length = payload.to_string().len() as u64;
        if length > EVENT_PAYLOAD_BYTES_MAX {
            let text = format!(
                "the payload for `{topic}` has {length} bytes; an event may have {EVENT_PAYLOAD_BYTES_MAX} (EVENT_PAYLOAD_BYTES_MAX)"
            );
            return Err(HostError::new(ErrorCode::PayloadTooLarge, text));
        }
    }
    Ok(())
}

/// Refuses what would be due when nobody is there any more, and more beside the payload than a payload may be.
fn check_extent(topic: &TopicName, wanted: &Wanted) -> Result<(), HostError> {
    if wanted.delay_ms > EVENT_DELAY_MS_MAX {
        let text = format!(
            "the event for `{topic}` would be due in {} ms; a delay may be {EVENT_DELAY_MS_MAX} ms (EVENT_DELAY_MS_MAX)",
            wanted.delay_ms
        );
        return Err(HostError::new(ErrorCode::PayloadInvalid, text));
    }
    let keys = [&wanted.key, &wanted.idempotency_key].into_iter().flatten().map(String::len).sum::<usize>();
    let length = |value: &Value| value.as_str().map_or_else(|| value.to_string().len(), str::len);
    let headers = wanted.headers.iter().map(|(name, value)| name.len() + length(value)).sum::<usize>();
    let bytes = (keys + headers) as u64;
    if bytes > EVENT_HEADERS_BYTES_MAX {
        let text = format!(
            "the event for `{topic}` has {bytes} bytes of headers and keys; it may have {EVENT_HEADERS_BYTES_MAX} \
             (EVENT_HEADERS_BYTES_MAX)"
        );
        return Err(HostError::new(ErrorCode::PayloadTooLarge, text));
    }
    Ok(())
}

/// Whether a value's JSON could be longer than `limit`: texts count sixfold (escapes), numbers 32 bytes.
fn may_exceed(value: &Value, limit: u64) -> bool {
    fn bound(value: &Value) -> u64 {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => 32,
            Value::String(text) => 2 + 6 * text.len() as u64,
            Value::Array(items) => 2 + items.iter().map(|item| 1 + bound(item)).sum::<u64>(),
            Value::Object(map) => {
                2 + map.iter().map(|(name, item)| 4 + 6 * name.len() as u64 + bound(item)).sum::<u64>()
            }
        }
    }
    bound(value) > limit
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_bound_is_never_below_the_length() {
        for value in [json!({"a": [1, -2.5e300, "\u{1}ü\n"], "b": null}), json!("x"), json!([[[[]]]])] {
            assert!(may_exceed(&value, value.to_string().len() as u64 - 1), "{value}");
        }
    }
}
