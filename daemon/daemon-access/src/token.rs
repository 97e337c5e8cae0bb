//! Tokens: 256 random bits behind a prefix that scanners of leaked secrets can look for.

use sha2::{Digest, Sha256};

/// How every token begins.
const PREFIX: &str = "tl_";
const SECRET_HEX_CHARS: usize = 64;
/// The id of a token is so much of its hash: enough to find it by, and no way back to it.
const ID_HEX_CHARS: usize = 32;

/// A token's SHA-256. The secret is random, so a plain hash is all it needs.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TokenHash([u8; 32]);

/// A new token from the operating system's seeded generator.
pub(crate) fn fresh() -> String {
    let secret: [u8; 32] = rand::random();
    format!("{PREFIX}{}", hex::encode(secret))
}

impl TokenHash {
    /// The hash of what could be a token.
    pub(crate) fn of(token: &str) -> Option<Self> {
        let secret = token.strip_prefix(PREFIX)?;
        let formed = secret.len() == SECRET_HEX_CHARS && secret.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        formed.then(|| Self(Sha256::digest(token.as_bytes()).into()))
    }

    pub(crate) fn to_hex(self) -> String {
        hex::encode(self.0)
    }

    pub(crate) fn id(self) -> String {
        self.to_hex()[..ID_HEX_CHARS].to_owned()
    }

    /// Compares with a stored hash in a time that does not depend on where they differ.
    pub(crate) fn matches(self, stored_hex: &str) -> bool {
        let ours = self.to_hex();
        let differences = ours.bytes().zip(stored_hex.bytes()).fold(0, |sum, (a, b)| sum | (a ^ b));
        ours.len() == stored_hex.len() && differences == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_random_and_only_tokens_have_a_hash() {
        let (one, other) = (fresh(), fresh());
        assert_ne!(one, other);
        let hash = TokenHash::of(&one).expect("a token");
        assert!(hash.matches(&hash.to_hex()));
        assert!(!hash.matches(&TokenHash::of(&other).expect("a token").to_hex()));
        assert!(!hash.matches(&hash.id()));
        for bad in ["", "tl_", &one[..66], &one[3..], &one.to_uppercase(), &format!("{one}0"), "tl_é"] {
            assert!(TokenHash::of(bad).is_none(), "{bad}");
        }
    }
}
