//! Sealing with AES-256-GCM under a nonce so long that it may be drawn at random for ever.
//!
//! The nonces of AES-GCM have 96 bits: drawn at random, two of 2^32 messages meet with a chance of 2^-33, and one that
//! is used twice gives the plaintexts away. So each message gets a key of its own, derived from the first half of a
//! nonce of 192 bits, as XAES-256-GCM does (<https://c2sp.org/XAES-256-GCM>): 2^80 messages of one key meet with a
//! chance of 2^-32.

use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::aes::Aes256;
use aes_gcm::aes::cipher::{Array, BlockCipherEncrypt};
use aes_gcm::{AeadInOut, Aes256Gcm, KeyInit};
use sha2::{Digest, Sha256};
use std::fmt;
use std::sync::Arc;

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;
/// Bytes of a nonce.
pub const NONCE_BYTES: usize = 24;
/// What sealing adds to a plaintext, beside the nonce.
pub const OVERHEAD_BYTES: usize = 16;

/// Bytes that are never used twice with one key.
pub type Nonce = [u8; NONCE_BYTES];

/// Tells keys apart without telling anything of them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub [u8; 4]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text is no key. It is not repeated here: it may be one all but for a slip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key is {} hexadecimal digits, as `openssl rand -hex {KEY_BYTES}` prints them", 2 * KEY_BYTES)]
pub struct KeyError;

/// A key, ready for use. Clones are cheap, and nothing prints it.
#[derive(Clone)]
pub struct SealingKey(Arc<Prepared>);

struct Prepared {
    id: KeyId,
    cipher: Aes256,
    /// What CMAC masks a whole last block with.
    mask: [u8; 16],
}

impl SealingKey {
    /// A key of these bytes, which should have been drawn at random.
    pub fn new(bytes: &[u8; KEY_BYTES]) -> Self {
        let digest = Sha256::new().chain_update(b"trunkline sealing key").chain_update(bytes).finalize();
        let cipher = Aes256::new(&Array(*bytes));
        let mut zero = Array([0; 16]);
        cipher.encrypt_block(&mut zero);
        Self(Arc::new(Prepared {
            id: KeyId([digest[0], digest[1], digest[2], digest[3]]),
            cipher,
            mask: doubled(zero.0),
        }))
    }

    /// A key written as hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let mut bytes = [0; KEY_BYTES];
        hex::decode_to_slice(text.trim(), &mut bytes).map_err(|_| KeyError)?;
        Ok(Self::new(&bytes))
    }

    /// Its id: the first bytes of a hash over it.
    pub fn id(&self) -> KeyId {
        self.0.id
    }

    /// Turns the plaintext in `bytes`, from a place on, into ciphertext followed by its tag. What is said `beside` it is
    /// not kept, and must be said again to open it.
    ///
    /// # Panics
    ///
    /// On a plaintext of 64 GiB, which AES-GCM cannot seal.
    pub fn seal(&self, nonce: &Nonce, beside: &[u8], bytes: &mut Vec<u8>, from: usize) {
        let (cipher, nonce) = self.of(nonce);
        let tag = cipher.encrypt_inout_detached(&Array(nonce), beside, InOutBuf::from(&mut bytes[from..]));
        bytes.extend_from_slice(&tag.expect("a plaintext below 64 GiB"));
    }

    /// The plaintext of what was sealed with this key, nonce and `beside`; none if anything of them is another.
    pub fn open(&self, nonce: &Nonce, beside: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (text, tag) = sealed.split_last_chunk::<OVERHEAD_BYTES>()?;
        let (cipher, nonce) = self.of(nonce);
        let mut plain = text.to_vec();
        let buffer = InOutBuf::from(&mut plain[..]);
        cipher.decrypt_inout_detached(&Array(nonce), beside, buffer, &Array(*tag)).ok()?;
        Some(plain)
    }

    /// Key and nonce of AES-256-GCM for one message.
    fn of(&self, nonce: &Nonce) -> (Aes256Gcm, [u8; 12]) {
        let (first, rest) = nonce.split_at(12);
        let mut derived = [0; KEY_BYTES];
        for (counter, half) in (1..).zip(derived.chunks_exact_mut(16)) {
            let mut block = [0, counter, b'X', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            block[4..].copy_from_slice(first);
            block.iter_mut().zip(self.0.mask).for_each(|(byte, mask)| *byte ^= mask);
            let mut block = Array(block);
            self.0.cipher.encrypt_block(&mut block);
            half.copy_from_slice(&block);
        }
        let mut within = [0; 12];
        within.copy_from_slice(rest);
        (Aes256Gcm::new(&Array(derived)), within)
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SealingKey").field(&self.0.id).finish()
    }
}

/// Times x in the field of CMAC.
fn doubled(block: [u8; 16]) -> [u8; 16] {
    let carry = block[0] >> 7;
    let shifted = u128::from_be_bytes(block) << 1;
    (shifted ^ u128::from(carry * 0x87)).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONCE: Nonce = *b"ABCDEFGHIJKLMNOPQRSTUVWX";

    fn sealed(key: &SealingKey, beside: &[u8]) -> Vec<u8> {
        let mut bytes = b"XAES-256-GCM".to_vec();
        key.seal(&NONCE, beside, &mut bytes, 0);
        bytes
    }

    /// The vectors of the specification.
    #[test]
    fn it_is_what_others_call_xaes_256_gcm() {
        let one = sealed(&SealingKey::new(&[1; KEY_BYTES]), b"");
        assert_eq!(hex::encode(one), "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271");
        let other = sealed(&SealingKey::new(&[3; KEY_BYTES]), b"c2sp.org/XAES-256-GCM");
        assert_eq!(hex::encode(other), "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d");
    }

    #[test]
    fn nothing_may_change_and_nothing_else_opens_it() {
        let key = SealingKey::parse(&"0f".repeat(KEY_BYTES)).expect("a key");
        let bytes = sealed(&key, b"beside");
        assert_eq!(key.open(&NONCE, b"beside", &bytes).as_deref(), Some(&b"XAES-256-GCM"[..]));
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(key.open(&NONCE, b"beside", &flipped), None, "bit {bit}");
        }
        for bit in 0..NONCE_BYTES * 8 {
            let mut nonce = NONCE;
            nonce[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(key.open(&nonce, b"beside", &bytes), None, "bit {bit} of the nonce");
        }
        assert_eq!(key.open(&NONCE, b"besides", &bytes), None);
        assert!((0..bytes.len()).all(|end| key.open(&NONCE, b"beside", &bytes[..end]).is_none()));
        let other = SealingKey::parse(&"0e".repeat(KEY_BYTES)).expect("a key");
        assert_eq!(other.open(&NONCE, b"beside", &bytes), None);
        assert_ne!(other.id(), key.id());
    }

    #[test]
    fn a_key_is_hexadecimal_and_never_shown() {
        let digits = "0f".repeat(KEY_BYTES);
        let key = SealingKey::parse(&format!("{digits}\n")).expect("a key");
        assert_eq!(format!("{key:?}"), format!("SealingKey({})", key.id()));
        for wrong in ["", "0f", &digits[1..], &format!("{digits}00"), &digits.replace('f', "g")] {
            assert_eq!(SealingKey::parse(wrong).err(), Some(KeyError), "{wrong:?}");
        }
        assert!(!KeyError.to_string().contains("0f0f"));
    }
}
