//! Events as they are stored, and the keys under which they are found.

use crate::cbor::{Reader, write_list_head, write_map, write_optional_text, write_text, write_u64, write_value};
use crate::key::{Key, KeyBuilder, Keyspace};
use crate::seal::SEAL_BYTES;
use contract_model::{Event, EventId, Sequence, TenantId, TopicName};

const EVENT_PARTS: usize = 17;
/// Events from before there was a time to live.
const EVENT_PARTS_WITHOUT_EXPIRY: u64 = 16;
const NO_TIME: u64 = u64::MAX;

pub(crate) fn log_key(sequence: Sequence) -> Key {
    KeyBuilder::new(Keyspace::Log).u64(sequence.0).finish()
}

pub(crate) fn topic_prefix(topic: &str) -> KeyBuilder {
    KeyBuilder::new(Keyspace::TopicLog).text(topic)
}

pub(crate) fn event_id_key(tenant: u32, id: &EventId) -> Key {
    KeyBuilder::new(Keyspace::EventId).u32(tenant).raw(id.as_str().as_bytes()).finish()
}

pub(crate) fn story_prefix(tenant: u32, correlation: &str) -> KeyBuilder {
    KeyBuilder::new(Keyspace::Story).u32(tenant).text(correlation)
}

pub(crate) fn idempotency_key(tenant: u32, topic: &TopicName, key: &str) -> Key {
    KeyBuilder::new(Keyspace::Idempotency).u32(tenant).text(topic.as_str()).text(key).finish()
}

/// Encodes an event without its sequence, which its key tells, leaving room for the seal.
pub(crate) fn encode(event: &Event) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    out.extend_from_slice(&[0; SEAL_BYTES]);
    write_list_head(&mut out, EVENT_PARTS);
    for text in [event.id.as_str(), event.topic.as_str(), event.tenant.as_str(), &event.publisher, &event.actor] {
        write_text(&mut out, text);
    }
    write_list_head(&mut out, event.roles.len());
    for role in &event.roles {
        write_text(&mut out, role);
    }
    write_u64(&mut out, event.time_ms);
    write_text(&mut out, &event.correlation);
    write_optional_text(&mut out, event.causation.as_deref());
    write_u64(&mut out, event.hops.into());
    write_text(&mut out, &event.key);
    write_optional_text(&mut out, event.idempotency_key.as_deref());
    write_optional_text(&mut out, event.trace.as_deref());
    write_u64(&mut out, event.due_ms.unwrap_or(NO_TIME));
    write_u64(&mut out, event.expires_ms.unwrap_or(NO_TIME));
    write_map(&mut out, &event.headers);
    write_value(&mut out, &event.payload);
    out
}

pub(crate) fn decode(sequence: Sequence, value: &[u8]) -> Option<Event> {
    let mut reader = Reader::new(value);
    let reader = &mut reader;
    let parts = reader.list_head()?;
    if parts != EVENT_PARTS as u64 && parts != EVENT_PARTS_WITHOUT_EXPIRY {
        return None;
    }
    let owned = |text: Option<&str>| text.map(str::to_owned);
    Some(Event {
        sequence,
        id: EventId::new(reader.text()?).ok()?,
        topic: TopicName::new(reader.text()?).ok()?,
        tenant: TenantId::new(reader.text()?).ok()?,
        publisher: reader.text()?.to_owned(),
        actor: reader.text()?.to_owned(),
        roles: (0..reader.list_head()?).map(|_| reader.text().map(str::to_owned)).collect::<Option<_>>()?,
        time_ms: reader.u64()?,
        correlation: reader.text()?.to_owned(),
        causation: owned(reader.optional_text()?),
        hops: u16::try_from(reader.u64()?).ok()?,
        key: reader.text()?.to_owned(),
        idempotency_key: owned(reader.optional_text()?),
        trace: owned(reader.optional_text()?),
        due_ms: Some(reader.u64()?).filter(|due| *due != NO_TIME),
        expires_ms: if parts == EVENT_PARTS_WITHOUT_EXPIRY {
            None
        } else {
            Some(reader.u64()?).filter(|at| *at != NO_TIME)
        },
        headers: reader.map()?,
        payload: reader.value().filter(|_| reader.is_at_end())?,
    })
}
