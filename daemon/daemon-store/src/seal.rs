//! The wrapper around every stored value: format, checksum over key and value, value.
//!
//! LMDB survives crashes but does not notice a flipped bit, so every value is checked whenever it is read.

use crate::error::StoreError;
use crate::key::Keyspace;
use std::sync::Arc;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// A value as it lies on disk.
pub(crate) type Sealed = Arc<[u8]>;

const VALUE_FORMAT: u8 = 1;
/// Format byte and checksum.
pub(crate) const SEAL_BYTES: usize = 9;

/// Wraps a value for its key (with keyspace byte).
pub(crate) fn seal(key: &[u8], value: &[u8]) -> Sealed {
    let mut out = Vec::with_capacity(SEAL_BYTES + value.len());
    out.extend_from_slice(&[0; SEAL_BYTES]);
    out.extend_from_slice(value);
    seal_in_place(key, out)
}

/// Wraps a value that already has [`SEAL_BYTES`] of room before it, without copying it first.
pub(crate) fn seal_in_place(key: &[u8], mut bytes: Vec<u8>) -> Sealed {
    let checksum = checksum(key[0], &key[1..], &bytes[SEAL_BYTES..]);
    bytes[0] = VALUE_FORMAT;
    bytes[1..SEAL_BYTES].copy_from_slice(&checksum.to_le_bytes());
    bytes.into()
}

/// Checks the value stored under a key without its keyspace byte, and takes it out of its wrapper.
pub(crate) fn unseal<'a>(keyspace: Keyspace, key: &[u8], sealed: &'a [u8]) -> Result<&'a [u8], StoreError> {
    let intact = sealed.len() >= SEAL_BYTES
        && sealed[0] == VALUE_FORMAT
        && sealed[1..SEAL_BYTES] == checksum(keyspace as u8, key, &sealed[SEAL_BYTES..]).to_le_bytes();
    if intact { Ok(&sealed[SEAL_BYTES..]) } else { Err(damaged(keyspace, key)) }
}

/// The error for a value that is not what was written.
pub(crate) fn damaged(keyspace: Keyspace, key: &[u8]) -> StoreError {
    StoreError::damaged(format!("the entry {} of keyspace `{}`", hex::encode(key), keyspace.name()))
}

fn checksum(keyspace: u8, key: &[u8], value: &[u8]) -> u64 {
    xxh3_64(value) ^ xxh3_64_with_seed(key, u64::from(keyspace) + 1).rotate_left(17)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_is_noticed() {
        let key = [Keyspace::Documents as u8, 2, 3];
        let sealed = seal(&key, b"value");
        assert_eq!(unseal(Keyspace::Documents, &key[1..], &sealed).expect("intact"), b"value");
        for bit in 0..sealed.len() * 8 {
            let mut flipped = sealed.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(unseal(Keyspace::Documents, &key[1..], &flipped).is_err(), "bit {bit}");
        }
        assert!(unseal(Keyspace::Documents, &[2, 4], &sealed).is_err(), "a value under another key");
        assert!(unseal(Keyspace::Index, &key[1..], &sealed).is_err(), "a value of another keyspace");
        assert!(unseal(Keyspace::Documents, &key[1..], &sealed[..4]).is_err());
    }
}
