//! The chain through a tenant's events: each one's link is made of what it holds and of the link before it, so that
//! an event that is missing, replaced or out of its order is seen. It is against damage; it does not prove who wrote.

use crate::cbor::Reader;
use crate::key::{Key, KeyBuilder, Keyspace};
use crate::seal::SEAL_BYTES;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;
use xxhash_rust::xxh3::xxh3_128;

pub(crate) const LINK_BYTES: usize = LINK_LENGTH as usize;
const LINK_LENGTH: u8 = 16;
/// Events from before there was a chain.
pub(crate) const EVENT_PARTS_WITHOUT_LINK: u64 = 17;
/// Events from before there was a time to live.
pub(crate) const EVENT_PARTS_WITHOUT_EXPIRY: u64 = 16;
/// Parts of an event without time to live, and of one without link.
const PARTS_BEFORE_THE_CHAIN: RangeInclusive<u64> = EVENT_PARTS_WITHOUT_EXPIRY..=EVENT_PARTS_WITHOUT_LINK;
/// The head of a byte string of that length, in CBOR: an event ends in its link.
pub(crate) const LINK_HEAD: u8 = 0x40 | LINK_LENGTH;

/// An event's place in its tenant's chain. All zeros stands before the first one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Link(pub(crate) [u8; LINK_BYTES]);

impl Link {
    /// The link of an event that comes after this one, from the digest of its encoded form without link.
    fn then(self, digest: [u8; LINK_BYTES]) -> Self {
        let mut both = [0; 2 * LINK_BYTES];
        both[..LINK_BYTES].copy_from_slice(&self.0);
        both[LINK_BYTES..].copy_from_slice(&digest);
        Self(xxh3_128(&both).to_le_bytes())
    }

    /// Writes the link into an event that was encoded with room for it, and gives it.
    pub(crate) fn close(self, encoded: &mut [u8]) -> Self {
        let (event, room) = encoded.split_at_mut(encoded.len() - LINK_BYTES);
        let link = self.then(xxh3_128(&event[SEAL_BYTES..]).to_le_bytes());
        room.copy_from_slice(&link.0);
        link
    }

    /// The link that a stored event ends in; zeros in one from before there was a chain.
    pub(crate) fn of(value: &[u8]) -> Self {
        value.last_chunk().filter(|_| is_linked(value)).copied().map_or_else(Self::default, Self)
    }

    /// The link in a stored event of this digest, if it is the one that follows this one.
    pub(crate) fn follow(self, digest: [u8; LINK_BYTES], value: &[u8]) -> Option<Self> {
        let link = value.last_chunk()?;
        Some(self.then(digest)).filter(|expected| expected.0 == *link)
    }

    pub(crate) fn read(value: &[u8]) -> Option<Self> {
        value.try_into().ok().map(Self)
    }
}

/// Whether a stored event, or what is left of one, has a link: events from before there was a chain have none, and
/// nothing else has so many parts.
pub(crate) fn is_linked(value: &[u8]) -> bool {
    Reader::new(value).list_head().is_some_and(|parts| !PARTS_BEFORE_THE_CHAIN.contains(&parts))
}

/// The digest of a stored event, without its link.
pub(crate) fn digest(value: &[u8]) -> [u8; LINK_BYTES] {
    xxh3_128(&value[..value.len().saturating_sub(LINK_BYTES)]).to_le_bytes()
}

/// Where the last link of a tenant is kept.
pub(crate) fn chain_key(tenant: u32) -> Key {
    KeyBuilder::new(Keyspace::Meta).raw(b"l").u32(tenant).finish()
}
