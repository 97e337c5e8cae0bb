//! How values lie on disk: as they are, with a checksum, or sealed with a key.
//!
//! Above the map a value always has the form of [`seal`](mod@crate::seal). A store with a key writes in its place, into
//! the map, the log and backups:
//!
//! | bytes | what |
//! |---|---|
//! | 1 | 2, the form |
//! | 4 | the key's id |
//! | 24 | a nonce, drawn at random for each value |
//! | n + 16 | the value, sealed; keyspace and key are said beside it, so that it opens nowhere else |

use crate::error::StoreError;
use crate::key::Keyspace;
use crate::seal::{SEAL_BYTES, damaged, unseal};
use contract_trust::{KeyId, NONCE_BYTES, Nonce, SealingKey};
use rand::Rng;
use std::borrow::Cow;

/// A key that a store is encrypted with.
pub type StoreKey = SealingKey;

/// A value as it is read: where nothing had to be opened, the very bytes of the map.
pub(crate) type Value<'a> = Cow<'a, [u8]>;

const SEALED_FORM: u8 = 2;
const ID_AT: usize = 1;
const NONCE_AT: usize = ID_AT + size_of::<KeyId>();
const TEXT_AT: usize = NONCE_AT + NONCE_BYTES;

/// Puts values into the form in which they lie on disk, and takes them out of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Vault(Option<StoreKey>);

impl Vault {
    pub(crate) fn new(key: Option<StoreKey>) -> Self {
        Self(key)
    }

    pub(crate) fn key(&self) -> Option<&StoreKey> {
        self.0.as_ref()
    }

    /// The form on disk of a value that was wrapped for its key (with keyspace byte).
    pub(crate) fn close<'v>(&self, key: &[u8], wrapped: &'v [u8]) -> Cow<'v, [u8]> {
        match &self.0 {
            None => Cow::Borrowed(wrapped),
            Some(with) => Cow::Owned(enclose(with, key, &wrapped[SEAL_BYTES..])),
        }
    }

    /// The value that lies under a key without its keyspace byte.
    pub(crate) fn open<'v>(&self, keyspace: Keyspace, key: &[u8], stored: &'v [u8]) -> Result<Value<'v>, StoreError> {
        match &self.0 {
            None => unseal(keyspace, key, stored).map(Cow::Borrowed),
            Some(with) => {
                let beside = [&[keyspace as u8], key].concat();
                disclose(with, &beside, stored).map(Cow::Owned).ok_or_else(|| damaged(keyspace, key))
            }
        }
    }
}

/// Seals bytes with a fresh nonce.
fn enclose(with: &StoreKey, beside: &[u8], plain: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(TEXT_AT + plain.len() + contract_trust::OVERHEAD_BYTES);
    make_room(&mut out);
    out.extend_from_slice(plain);
    finish(with, beside, &mut out, 0);
    out
}

/// Leaves room for what stands before a sealed text.
pub(crate) fn make_room(out: &mut Vec<u8>) {
    out.resize(out.len() + TEXT_AT, 0);
}

/// Seals what follows after the room that was made at a place.
pub(crate) fn finish(with: &StoreKey, beside: &[u8], out: &mut Vec<u8>, at: usize) {
    let mut nonce: Nonce = [0; NONCE_BYTES];
    rand::rng().fill_bytes(&mut nonce);
    out[at] = SEALED_FORM;
    out[at + ID_AT..at + NONCE_AT].copy_from_slice(&with.id().0);
    out[at + NONCE_AT..at + TEXT_AT].copy_from_slice(&nonce);
    with.seal(&nonce, beside, out, at + TEXT_AT);
}

/// What was sealed with this key beside this; none if it was not.
pub(crate) fn disclose(with: &StoreKey, beside: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let text = sealed.get(TEXT_AT..)?;
    if sealed[0] != SEALED_FORM || sealed[ID_AT..NONCE_AT] != with.id().0 {
        return None;
    }
    with.open(sealed[NONCE_AT..TEXT_AT].try_into().ok()?, beside, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::seal;

    fn key(digits: &str) -> StoreKey {
        StoreKey::parse(&digits.repeat(32)).expect("a key")
    }

    #[test]
    fn a_value_is_read_with_its_key_in_its_place_and_nowhere_else() {
        let (vault, other) = (Vault::new(Some(key("a1"))), Vault::new(Some(key("b2"))));
        let place = [Keyspace::Documents as u8, 2, 3];
        let wrapped = seal(&place, b"value");
        let stored = vault.close(&place, &wrapped);
        assert_eq!(&*vault.open(Keyspace::Documents, &[2, 3], &stored).expect("intact"), b"value");
        assert!(vault.open(Keyspace::Documents, &[2, 4], &stored).is_err(), "a value under another key");
        assert!(vault.open(Keyspace::Index, &[2, 3], &stored).is_err(), "a value of another keyspace");
        assert!(other.open(Keyspace::Documents, &[2, 3], &stored).is_err(), "another key");
        assert!(vault.open(Keyspace::Documents, &[2, 3], &wrapped).is_err(), "a value that nobody sealed");
        assert!(Vault::default().open(Keyspace::Documents, &[2, 3], &stored).is_err(), "without a key");
        for bit in 0..stored.len() * 8 {
            let mut flipped = stored.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(vault.open(Keyspace::Documents, &[2, 3], &flipped).is_err(), "bit {bit}");
        }
        assert_ne!(vault.close(&place, &wrapped), stored, "no nonce is used twice");
    }
}
