//! Keys: which keyspace, then parts whose bytes sort like the values they stand for.
//!
//! A tenant is four bytes at a fixed place, so no tenant's keys can lie among another's. Texts inside a key
//! end in a terminator that sorts before every character, so no text's keys can lie among a longer one's.

use std::sync::Arc;

/// A key with its keyspace as first byte.
pub(crate) type Key = Arc<[u8]>;

/// The longest key LMDB takes, without our first byte.
pub(crate) const KEY_BYTES_MAX: usize = 511;
/// Longer texts in keys are cut and told apart by a hash.
const TEXT_BYTES_MAX: usize = 180;

/// Each keyspace is an LMDB database of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Keyspace {
    /// Format, store id, head, tenants, collections, free values.
    Meta,
    /// (tenant, collection, id) -> record.
    Documents,
    /// (tenant, index, values, id).
    Index,
    /// (tenant, unique set, values) -> id.
    Unique,
    /// (sequence) -> event.
    Log,
    /// (topic, sequence) -> tenant.
    TopicLog,
    /// (tenant, event id) -> sequence.
    EventId,
    /// (tenant, correlation, sequence) -> of a request that was replied to, the reply's sequence.
    Story,
    /// (tenant, topic, key) -> event, hash.
    Idempotency,
    /// (subscription, sequence).
    Inbox,
    /// (subscription, sequence) -> attempts, time, error.
    Retries,
    /// (subscription, sequence) -> dead letter.
    DeadLetters,
    /// (subscription) -> sequence.
    Cursors,
    /// k, tenant, caller's key -> answer; t, time, tenant, caller's key.
    Answers,
}

impl Keyspace {
    /// All of them, each at the place of its number.
    pub(crate) const ALL: [Keyspace; 14] = [
        Self::Meta,
        Self::Documents,
        Self::Index,
        Self::Unique,
        Self::Log,
        Self::TopicLog,
        Self::EventId,
        Self::Story,
        Self::Idempotency,
        Self::Inbox,
        Self::Retries,
        Self::DeadLetters,
        Self::Cursors,
        Self::Answers,
    ];

    /// Its name in LMDB and in statistics.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Documents => "documents",
            Self::Index => "index",
            Self::Unique => "unique",
            Self::Log => "log",
            Self::TopicLog => "topic-log",
            Self::EventId => "event-id",
            Self::Story => "story",
            Self::Idempotency => "idempotency",
            Self::Inbox => "inbox",
            Self::Retries => "retries",
            Self::DeadLetters => "dead-letters",
            Self::Cursors => "cursors",
            Self::Answers => "answers",
        }
    }

    pub(crate) fn of(key: &[u8]) -> Self {
        Self::ALL[usize::from(key[0])]
    }
}

/// Builds a key part by part.
#[derive(Debug, Clone)]
pub(crate) struct KeyBuilder(Vec<u8>);

impl KeyBuilder {
    pub(crate) fn new(keyspace: Keyspace) -> Self {
        let mut bytes = Vec::with_capacity(96);
        bytes.push(keyspace as u8);
        Self(bytes)
    }

    pub(crate) fn u32(mut self, number: u32) -> Self {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    pub(crate) fn u64(mut self, number: u64) -> Self {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    /// A text with an end, so that more parts may follow.
    pub(crate) fn text(mut self, text: &str) -> Self {
        push_text(&mut self.0, text, TEXT_BYTES_MAX);
        self
    }

    /// Bytes as they are; for what is self-delimiting, or the last part.
    pub(crate) fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub(crate) fn finish(self) -> Key {
        self.0.into()
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// Marks the end of a whole text, and of one that was cut. Both sort before any further character, which
/// would be at least `0x01` or, for a zero byte, `0x00 0xff`.
pub(crate) const TEXT_END: [u8; 2] = [0, 0];
pub(crate) const TEXT_CUT: [u8; 2] = [0, 1];
/// Bytes of hash after a cut text.
pub(crate) const CUT_HASH_BYTES: usize = 16;

/// Writes a text that sorts like itself and knows its end. One whose escaped form passes `max` bytes is cut
/// and told apart by a hash.
pub(crate) fn push_text(out: &mut Vec<u8>, text: &str, max: usize) {
    let start = out.len();
    for byte in text.bytes() {
        match byte {
            0 => out.extend_from_slice(&[0, 0xff]),
            byte => out.push(byte),
        }
        if out.len() - start > max {
            // A zero byte's escape is never split: the cut falls on a whole character of the text.
            let keep = if out[start + max - 1] == 0 && out[start + max] == 0xff { max - 1 } else { max };
            out.truncate(start + keep);
            out.extend_from_slice(&TEXT_CUT);
            out.extend_from_slice(&strong_hash(text.as_bytes()));
            return;
        }
    }
    out.extend_from_slice(&TEXT_END);
}

/// The text that a key consists of, as [`push_text`] wrote it; none if it was cut.
pub(crate) fn whole_text(key: &[u8]) -> Option<String> {
    let escaped = key.strip_suffix(&TEXT_END)?;
    let mut bytes = Vec::with_capacity(escaped.len());
    let mut rest = escaped.iter();
    while let Some(byte) = rest.next() {
        bytes.push(*byte);
        if *byte == 0 && rest.next() != Some(&0xff) {
            return None;
        }
    }
    String::from_utf8(bytes).ok()
}

/// Sixteen bytes that nobody can make collide on purpose.
pub(crate) fn strong_hash(bytes: &[u8]) -> [u8; CUT_HASH_BYTES] {
    use sha2::{Digest, Sha256};
    let mut out = [0; CUT_HASH_BYTES];
    out.copy_from_slice(&Sha256::digest(bytes)[..CUT_HASH_BYTES]);
    out
}

/// The least key above every key that starts with `prefix`. A keyspace byte is never 255, so there is one.
pub(crate) fn prefix_end(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            break;
        }
    }
    end
}

/// The key right after `key`.
pub(crate) fn after(key: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(key.len() + 1);
    out.extend_from_slice(key);
    out.push(0);
    out
}

/// The sequence at the end of a key, for keyspaces that end in one.
pub(crate) fn closing_u64(key: &[u8]) -> Option<u64> {
    key.len().checked_sub(8).and_then(|at| key[at..].try_into().ok()).map(u64::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text_bytes(text: &str, max: usize) -> Vec<u8> {
        let mut out = Vec::new();
        push_text(&mut out, text, max);
        out
    }

    proptest! {
        #[test]
        fn texts_sort_like_themselves(left in any::<String>(), right in any::<String>()) {
            let order = text_bytes(&left, usize::MAX - 9).cmp(&text_bytes(&right, usize::MAX - 9));
            prop_assert_eq!(order, left.as_bytes().cmp(right.as_bytes()));
        }

        #[test]
        fn a_whole_text_is_read_back(text in any::<String>()) {
            prop_assert_eq!(whole_text(&text_bytes(&text, usize::MAX - 9)), Some(text));
        }

        #[test]
        fn a_cut_text_is_not(text in "[a-c\\x00]{9,20}") {
            prop_assert_eq!(whole_text(&text_bytes(&text, 6)), None);
        }

        #[test]
        fn no_text_is_a_prefix_of_another(left in "[a-c\\x00]{0,12}", right in "[a-c\\x00]{0,12}") {
            let (left_key, right_key) = (text_bytes(&left, 6), text_bytes(&right, 6));
            prop_assert_eq!(left_key.starts_with(&right_key), left == right);
        }

        #[test]
        fn no_tenants_prefix_is_anothers(left in any::<u32>(), right in any::<u32>(), rest in any::<Vec<u8>>()) {
            let key = KeyBuilder::new(Keyspace::Documents).u32(left).raw(&rest).into_bytes();
            let other = KeyBuilder::new(Keyspace::Documents).u32(right).into_bytes();
            let among = key >= other && key < prefix_end(&other);
            prop_assert_eq!(among, left == right);
        }
    }

    #[test]
    fn keyspaces_stand_at_their_numbers() {
        for (at, keyspace) in Keyspace::ALL.into_iter().enumerate() {
            assert_eq!(keyspace as usize, at);
        }
    }
}
