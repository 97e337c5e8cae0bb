//! Events as they are stored, and the keys under which they are found.

use crate::cbor::{Reader, write_list_head, write_map, write_optional_text, write_text, write_u64, write_value};
use crate::chain::{EVENT_PARTS_WITHOUT_EXPIRY, EVENT_PARTS_WITHOUT_LINK, LINK_BYTES, LINK_HEAD};
use crate::key::{Key, KeyBuilder, Keyspace};
use crate::seal::SEAL_BYTES;
use contract_model::{Event, EventId, Sequence, TenantId, TopicName};

const EVENT_PARTS: usize = 18;
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

/// The entry of an event in its story.
pub(crate) fn story_key(tenant: u32, correlation: &str, sequence: Sequence) -> Key {
    story_prefix(tenant, correlation).u64(sequence.0).finish()
}

pub(crate) fn idempotency_key(tenant: u32, topic: &TopicName, key: &str) -> Key {
    KeyBuilder::new(Keyspace::Idempotency).u32(tenant).text(topic.as_str()).text(key).finish()
}

/// Encodes an event without its sequence, which its key tells, leaving room for the seal before it and for its link in
/// the chain after it.
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
    out.push(LINK_HEAD);
    out.extend_from_slice(&[0; LINK_BYTES]);
    out
}

pub(crate) fn decode(sequence: Sequence, value: &[u8]) -> Option<Event> {
    let mut reader = Reader::new(value);
    let reader = &mut reader;
    let parts = reader.list_head()?;
    if !(EVENT_PARTS_WITHOUT_EXPIRY..=EVENT_PARTS as u64).contains(&parts) {
        return None;
    }
    // Only the walk over the whole store looks at links.
    let linked = parts > EVENT_PARTS_WITHOUT_LINK;
    let owned = |text: Option<&str>| text.map(str::to_owned);
    let event = Event {
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
        payload: reader.value()?,
    };
    let ends = if linked { reader.take_byte_string(LINK_BYTES).is_some() } else { true };
    (ends && reader.is_at_end()).then_some(event)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::is_linked;
    use ciborium::Value as Cbor;
    use serde_json::json;

    const EXPIRY_AT: usize = 14;

    fn event() -> Event {
        Event {
            sequence: Sequence(7),
            id: EventId::new("e7").expect("id"),
            topic: TopicName::new("ap.bill.approved").expect("topic"),
            tenant: TenantId::new("demo").expect("tenant"),
            publisher: "plugin:ap".into(),
            actor: "user".into(),
            roles: vec!["ap.clerk".into(), "ap.viewer".into()],
            time_ms: 1_700_000_000_000,
            correlation: "story".into(),
            causation: Some("cause".into()),
            hops: 2,
            key: "k".into(),
            idempotency_key: None,
            trace: Some("00-x".into()),
            due_ms: Some(17),
            expires_ms: Some(18),
            headers: json!({"a": 1}).as_object().cloned().expect("an object"),
            payload: json!({"amount": i64::MAX, "lines": [null, -1]}),
        }
    }

    /// The parts of an event as they are stored, without those that `drop` names.
    fn stored_without(event: &Event, drop: &[usize]) -> Vec<u8> {
        let encoded = encode(event);
        let Ok(Cbor::Array(parts)) = ciborium::from_reader(&encoded[SEAL_BYTES..]) else { panic!("a list") };
        assert_eq!(parts.len(), EVENT_PARTS);
        let kept = parts.into_iter().enumerate().filter(|(at, _)| !drop.contains(at)).map(|(_, part)| part);
        let mut out = Vec::new();
        ciborium::into_writer(&Cbor::Array(kept.collect()), &mut out).expect("encoded");
        out
    }

    #[test]
    fn an_event_comes_back_with_all_its_parts() {
        let stored = stored_without(&event(), &[]);
        assert!(is_linked(&stored));
        assert_eq!(decode(Sequence(7), &stored), Some(event()));
    }

    #[test]
    fn events_from_before_the_chain_are_read() {
        let stored = stored_without(&event(), &[EVENT_PARTS - 1]);
        assert!(!is_linked(&stored));
        assert_eq!(decode(Sequence(7), &stored), Some(event()));
    }

    #[test]
    fn events_from_before_there_was_a_time_to_live_never_expire() {
        let stored = stored_without(&event(), &[EXPIRY_AT, EVENT_PARTS - 1]);
        assert_eq!(decode(Sequence(7), &stored), Some(Event { expires_ms: None, ..event() }));
    }

    #[test]
    fn other_shapes_are_no_events() {
        let whole = stored_without(&event(), &[]);
        for length in 0..whole.len() {
            assert_eq!(decode(Sequence(7), &whole[..length]), None, "cut at {length}");
        }
        assert_eq!(decode(Sequence(7), &[&whole[..], &[0]].concat()), None, "something follows");
        let short = stored_without(&event(), &[0, EXPIRY_AT, EVENT_PARTS - 1]);
        assert_eq!(decode(Sequence(7), &short), None, "fifteen parts");
    }
}
