//! Where the log and the count of units stand, and the entry that says so on disk.

use crate::chain::{LINK_BYTES, Link};
use crate::key::{Key, KeyBuilder, Keyspace};
use crate::seal::{Sealed, seal};
use contract_model::Sequence;

const HEAD_BYTES: usize = 16 + LINK_BYTES;

/// Where the log and the count of units stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Head {
    /// Grows with every unit and is never used twice, not even after an undo.
    pub(crate) position: u64,
    /// The last event's.
    pub(crate) sequence: Sequence,
    /// The last event's, too.
    pub(crate) link: Link,
}

pub(crate) fn head_key() -> Key {
    KeyBuilder::new(Keyspace::Meta).raw(b"h").finish()
}

/// The entry that tells, with the next flush, where the log stands.
pub(crate) fn head_entry(head: Head) -> (Key, Option<Sealed>) {
    let key = head_key();
    let sealed = seal(&key, &head_value(head));
    (key, Some(sealed))
}

pub(crate) fn head_value(head: Head) -> [u8; HEAD_BYTES] {
    let mut value = [0; HEAD_BYTES];
    value[..8].copy_from_slice(&head.position.to_le_bytes());
    value[8..16].copy_from_slice(&head.sequence.0.to_le_bytes());
    value[16..].copy_from_slice(&head.link.0);
    value
}

pub(crate) fn read_head(value: &[u8]) -> Option<Head> {
    let part = |at: usize| value.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes);
    // Stores from before there was a chain end here.
    let link = if value.len() == HEAD_BYTES { Link::read(&value[16..])? } else { Link::default() };
    Some(Head { position: part(0)?, sequence: Sequence(part(8)?), link })
}
