//! Frames of the write-ahead log as bytes: one frame is what one flush makes durable.
//!
//! A frame is a head of [`HEAD_BYTES`], its entries, and zeros up to the next whole block. All numbers are
//! little-endian. Entries come in the order in which they were decided; of two with one key the later one counts.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | magic |
//! | 8 | generation: counts how often the log changed from one of its files to the other |
//! | 8 | position of the unit before the frame |
//! | 8 | position of its last unit |
//! | 8 | bytes of its entries |
//! | 16 | XXH3-128 over the store's id, what stands above, and the entries |
//!
//! In a store with a key the entries are sealed as one value is (see `vault`), with the store's id and the numbers of
//! the head beside them, and the magic is another one.

use crate::key::Key;
use crate::seal::Sealed;
use crate::vault::{StoreKey, disclose, finish, make_room};
use xxhash_rust::xxh3::Xxh3;

/// A frame begins at a whole block, so that writing one never touches a block of the frame before it.
pub(crate) const BLOCK_BYTES: usize = 4096;
const MAGIC: [u8; 8] = *b"TLWAL\0\0\x01";
const MAGIC_SEALED: [u8; 8] = *b"TLWAL\0\0\x02";
const CHECKED_BYTES: usize = 40;
const HEAD_BYTES: usize = CHECKED_BYTES + 16;
/// The length that stands for a deletion.
const DELETED: u32 = u32::MAX;

/// A frame read back, with its entries still in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame<'a> {
    pub(crate) generation: u64,
    pub(crate) before: u64,
    pub(crate) position: u64,
    is_sealed: bool,
    entries: &'a [u8],
}

/// Which frame is written: everything in its head but what the entries say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) store: &'a str,
    pub(crate) generation: u64,
    pub(crate) before: u64,
    pub(crate) position: u64,
}

impl Place<'_> {
    /// What is said beside sealed entries.
    fn beside(&self) -> Vec<u8> {
        let mut beside = self.store.as_bytes().to_vec();
        for number in [self.generation, self.before, self.position] {
            beside.extend_from_slice(&number.to_le_bytes());
        }
        beside
    }
}

/// Writes a frame over what `out` holds, so that its room is used again.
pub(crate) fn encode<'e>(
    place: Place<'_>,
    with: Option<&StoreKey>,
    entries: impl Iterator<Item = (&'e Key, &'e Option<Sealed>)>,
    out: &mut Vec<u8>,
) {
    out.clear();
    out.resize(HEAD_BYTES, 0);
    if with.is_some() {
        make_room(out);
    }
    for (key, value) in entries {
        let key_bytes = u16::try_from(key.len()).unwrap_or(u16::MAX);
        let value_bytes = value.as_ref().map_or(DELETED, |value| u32::try_from(value.len()).unwrap_or(DELETED));
        out.extend_from_slice(&key_bytes.to_le_bytes());
        out.extend_from_slice(&value_bytes.to_le_bytes());
        out.extend_from_slice(key);
        out.extend_from_slice(value.as_deref().unwrap_or_default());
    }
    if let Some(with) = with {
        finish(with, &place.beside(), out, HEAD_BYTES);
    }
    let length = (out.len() - HEAD_BYTES) as u64;
    out[..8].copy_from_slice(if with.is_some() { &MAGIC_SEALED } else { &MAGIC });
    for (at, number) in (8..).step_by(8).zip([place.generation, place.before, place.position, length]) {
        out[at..at + 8].copy_from_slice(&number.to_le_bytes());
    }
    let checksum = checksum(place.store, &out[..CHECKED_BYTES], &out[HEAD_BYTES..]);
    out[CHECKED_BYTES..HEAD_BYTES].copy_from_slice(&checksum);
    out.resize(out.len().next_multiple_of(BLOCK_BYTES), 0);
}

fn checksum(store: &str, head: &[u8], entries: &[u8]) -> [u8; 16] {
    let mut sum = Xxh3::new();
    for part in [store.as_bytes(), head, entries] {
        sum.update(part);
    }
    sum.digest128().to_le_bytes()
}

impl<'a> Frame<'a> {
    /// The frame that begins here, if a whole one of this store does.
    pub(crate) fn parse(store: &str, bytes: &'a [u8]) -> Option<Self> {
        let head = bytes.get(..HEAD_BYTES).filter(|head| head[..8] == MAGIC || head[..8] == MAGIC_SEALED)?;
        let is_sealed = head[..8] == MAGIC_SEALED;
        let number = |at: usize| head[at..].first_chunk().copied().map_or(0, u64::from_le_bytes);
        let end = usize::try_from(number(32)).ok()?.checked_add(HEAD_BYTES)?;
        let entries = bytes.get(HEAD_BYTES..end)?;
        let is_whole = checksum(store, &head[..CHECKED_BYTES], entries) == head[CHECKED_BYTES..];
        is_whole.then(|| Self { generation: number(8), before: number(16), position: number(24), is_sealed, entries })
    }

    /// Bytes up to the next frame.
    pub(crate) fn span(&self) -> usize {
        (HEAD_BYTES + self.entries.len()).next_multiple_of(BLOCK_BYTES)
    }

    /// Key and value of each entry, in order; none if they are sealed with another key, or not sealed where they should
    /// be.
    pub(crate) fn entries(&self, store: &str, with: Option<&StoreKey>) -> Option<Vec<(Key, Option<Sealed>)>> {
        match with {
            None => (!self.is_sealed).then(|| parse_entries(self.entries).collect()),
            Some(with) => {
                let Self { generation, before, position, .. } = *self;
                let beside = Place { store, generation, before, position }.beside();
                let plain = disclose(with, &beside, self.entries).filter(|_| self.is_sealed)?;
                Some(parse_entries(&plain).collect())
            }
        }
    }
}

fn parse_entries(bytes: &[u8]) -> impl Iterator<Item = (Key, Option<Sealed>)> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (key_bytes, after) = rest.split_first_chunk().map(|(it, after)| (u16::from_le_bytes(*it), after))?;
        let (value_bytes, after) = after.split_first_chunk().map(|(it, after)| (u32::from_le_bytes(*it), after))?;
        let (key, after) = after.split_at_checked(usize::from(key_bytes))?;
        let length = if value_bytes == DELETED { 0 } else { usize::try_from(value_bytes).ok()? };
        let (value, after) = after.split_at_checked(length)?;
        rest = after;
        Some((Key::from(key), (value_bytes != DELETED).then(|| Sealed::from(value))))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place<'_> = Place { store: "ab", generation: 3, before: 7, position: 9 };

    fn entries() -> Vec<(Key, Option<Sealed>)> {
        vec![
            (Key::from(&b"key"[..]), Some(Sealed::from(&b"value"[..]))),
            (Key::from(&b"gone"[..]), None),
            (Key::from(&b"empty"[..]), Some(Sealed::from(&b""[..]))),
            (Key::from(&b"large"[..]), Some(Sealed::from(vec![7; 2 * BLOCK_BYTES]))),
        ]
    }

    fn key() -> StoreKey {
        StoreKey::parse(&"a1".repeat(32)).expect("a key")
    }

    fn encoded() -> Vec<u8> {
        encoded_with(None)
    }

    fn encoded_with(with: Option<&StoreKey>) -> Vec<u8> {
        let mut out = vec![1; 3];
        encode(PLACE, with, entries().iter().map(|(key, value)| (key, value)), &mut out);
        out
    }

    #[test]
    fn a_frame_is_read_as_it_was_written() {
        let bytes = encoded();
        assert_eq!(bytes.len() % BLOCK_BYTES, 0);
        let frame = Frame::parse("ab", &bytes).expect("whole");
        assert_eq!((frame.generation, frame.before, frame.position, frame.span()), (3, 7, 9, bytes.len()));
        assert_eq!(frame.entries("ab", None), Some(entries()));
        assert_eq!(frame.entries("ab", Some(&key())), None, "entries that nobody sealed");
        assert!(Frame::parse("ac", &bytes).is_none(), "another store's");
    }

    #[test]
    fn no_bit_of_a_frame_may_change_and_none_of_its_end_be_missing() {
        let bytes = encoded();
        let used = Frame::parse("ab", &bytes).map(|frame| HEAD_BYTES + frame.entries.len()).expect("whole");
        for bit in 0..used * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(Frame::parse("ab", &flipped).is_none(), "bit {bit}");
        }
        assert!((0..used).all(|end| Frame::parse("ab", &bytes[..end]).is_none()));
    }

    #[test]
    fn a_sealed_frame_is_read_with_its_key_alone_and_says_nothing() {
        let bytes = encoded_with(Some(&key()));
        assert!(!bytes.windows(5).any(|part| part == b"value" || part == b"large"));
        let frame = Frame::parse("ab", &bytes).expect("whole");
        assert_eq!((frame.position, frame.span()), (9, bytes.len()));
        assert_eq!(frame.entries("ab", Some(&key())), Some(entries()));
        assert_eq!(frame.entries("ab", None), None);
        let other = StoreKey::parse(&"b2".repeat(32)).expect("a key");
        assert_eq!(frame.entries("ab", Some(&other)), None);
        assert_eq!(Frame { position: 10, ..frame }.entries("ab", Some(&key())), None, "in another place");
    }
}
