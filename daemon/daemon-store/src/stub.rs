//! What is left of an event that was compacted: its place in its tenant's chain.
//!
//! A stub keeps the digest that the event's link was made of, so that the chain through it is followed as before, and
//! what a repetition is recognised by: id, topic and a hash of the payload. Of an event of an erased tenant nothing is
//! kept but digest and link.

use crate::cbor::{Reader, write_list_head, write_text, write_u64};
use crate::chain::{LINK_BYTES, LINK_HEAD, Link, digest};
use contract_model::canonical::canonical_sha256;
use contract_model::{Event, EventId, Sequence, TopicName};

/// Tenant, digest, id, topic, hash of the payload, link.
const KEPT_PARTS: usize = 6;
/// Tenant, digest, link.
const BARE_PARTS: usize = 3;

/// An event that was compacted, as far as it is known by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastEvent {
    /// Its id.
    pub id: EventId,
    /// Its place in the log.
    pub sequence: Sequence,
    /// Its topic.
    pub topic: TopicName,
    /// SHA-256 of its payload's canonical JSON.
    pub payload_hash: String,
}

/// A stub as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stub {
    /// The tenant's number: its name may be gone.
    pub(crate) tenant: u32,
    pub(crate) digest: [u8; LINK_BYTES],
    /// What it is known by; none if its tenant was erased.
    pub(crate) known: Option<PastEvent>,
    pub(crate) link: Link,
}

/// Whether a stored event is a stub.
pub(crate) fn is_stub(value: &[u8]) -> bool {
    let parts = Reader::new(value).list_head();
    parts == Some(KEPT_PARTS as u64) || parts == Some(BARE_PARTS as u64)
}

/// What remains of a stored event.
pub(crate) fn compacted(tenant: u32, event: &Event, value: &[u8]) -> Vec<u8> {
    let Event { id, sequence, topic, payload, .. } = event;
    let payload_hash = canonical_sha256(payload);
    let known = PastEvent { id: id.clone(), sequence: *sequence, topic: topic.clone(), payload_hash };
    encode(&Stub { tenant, digest: digest(value), known: Some(known), link: Link::of(value) })
}

/// What remains of a stored event, or of a stub, of a tenant that is erased.
pub(crate) fn erased(tenant: u32, value: &[u8]) -> Vec<u8> {
    encode(&Stub { tenant, digest: digest_of(value), known: None, link: Link::of(value) })
}

/// The digest that the link of a stored event was made of, also where a stub is all that is left of it.
pub(crate) fn digest_of(value: &[u8]) -> [u8; LINK_BYTES] {
    decode(Sequence(0), value).map_or_else(|| digest(value), |stub| stub.digest)
}

fn encode(stub: &Stub) -> Vec<u8> {
    let mut out = Vec::with_capacity(192);
    write_list_head(&mut out, if stub.known.is_some() { KEPT_PARTS } else { BARE_PARTS });
    write_u64(&mut out, stub.tenant.into());
    out.push(LINK_HEAD);
    out.extend_from_slice(&stub.digest);
    if let Some(PastEvent { id, topic, payload_hash, .. }) = &stub.known {
        for text in [id.as_str(), topic.as_str(), payload_hash] {
            write_text(&mut out, text);
        }
    }
    out.push(LINK_HEAD);
    out.extend_from_slice(&stub.link.0);
    out
}

/// The stub that a stored event is, if it is one.
pub(crate) fn decode(sequence: Sequence, value: &[u8]) -> Option<Stub> {
    let mut reader = Reader::new(value);
    let parts = usize::try_from(reader.list_head()?).ok()?;
    if parts != KEPT_PARTS && parts != BARE_PARTS {
        return None;
    }
    let tenant = u32::try_from(reader.u64()?).ok()?;
    let digest = reader.take_byte_string(LINK_BYTES)?.try_into().ok()?;
    let known = if parts == KEPT_PARTS {
        let id = EventId::new(reader.text()?).ok()?;
        let topic = TopicName::new(reader.text()?).ok()?;
        Some(PastEvent { id, sequence, topic, payload_hash: reader.text()?.to_owned() })
    } else {
        None
    };
    let link = Link::read(reader.take_byte_string(LINK_BYTES)?)?;
    reader.is_at_end().then_some(Stub { tenant, digest, known, link })
}
