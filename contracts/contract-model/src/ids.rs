//! Newtypes for everything that has a name.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a text is not a valid name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a valid {what}: {why}")]
pub struct NameError {
    /// What was being named, such as `plugin slug`.
    pub what: &'static str,
    /// The text as given.
    pub text: String,
    /// The rule it breaks.
    pub why: &'static str,
}

impl NameError {
    pub(crate) fn new(what: &'static str, text: &str, why: &'static str) -> Self {
        Self { what, text: text.chars().take(200).collect(), why }
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $check:path) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            /// Checks the text against the grammar of this name.
            pub fn new(text: &str) -> Result<Self, NameError> {
                $check(text)?;
                Ok(Self(text.into()))
            }
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl TryFrom<String> for $name {
            type Error = NameError;
            fn try_from(text: String) -> Result<Self, NameError> {
                Self::new(&text)
            }
        }
        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0.as_ref().to_owned()
            }
        }
        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
        impl std::str::FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::new(text)
            }
        }
    };
}
pub(crate) use text_id;

text_id!(
    /// A plugin's slug, `^[a-z][a-z0-9-]{1,31}$`; also its URL segment and its topics' namespace.
    PluginSlug,
    check_slug
);
text_id!(
    /// A tenant's name, `^[a-z][a-z0-9_-]{0,62}$`.
    TenantId,
    check_tenant
);
text_id!(
    /// The identity of an event within its tenant: 1 to 128 visible ASCII characters.
    EventId,
    check_event_id
);
text_id!(
    /// The identity of a record within its collection: 1 to 200 bytes without control characters.
    RecordId,
    check_record_id
);

/// Slugs that no plugin may have: its routes would begin where the daemon's own do (`/api/events`), or its topics would
/// be the daemon's.
pub const RESERVED_SLUGS: [&str; 6] = ["auth", "collections", "docs", "events", "jobs", "realtime"];

fn check_slug(text: &str) -> Result<(), NameError> {
    if RESERVED_SLUGS.contains(&text) {
        let why = "it is the daemon's own, as are auth, collections, docs, events, jobs and realtime; take another";
        return Err(NameError::new("plugin slug", text, why));
    }
    let bytes = text.as_bytes();
    let tail_ok = bytes.iter().skip(1).all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-');
    let ok = (2..=32).contains(&bytes.len()) && bytes[0].is_ascii_lowercase() && tail_ok;
    if ok {
        Ok(())
    } else {
        Err(NameError::new("plugin slug", text, "use 2 to 32 of a-z, 0-9 and -, starting with a letter"))
    }
}

fn check_tenant(text: &str) -> Result<(), NameError> {
    let bytes = text.as_bytes();
    let tail_ok =
        bytes.iter().skip(1).all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_'));
    let ok = (1..=63).contains(&bytes.len()) && bytes[0].is_ascii_lowercase() && tail_ok;
    if ok {
        Ok(())
    } else {
        Err(NameError::new("tenant name", text, "use 1 to 63 of a-z, 0-9, - and _, starting with a letter"))
    }
}

fn check_event_id(text: &str) -> Result<(), NameError> {
    let ok = (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    if ok { Ok(()) } else { Err(NameError::new("event id", text, "use 1 to 128 visible ASCII characters")) }
}

fn check_record_id(text: &str) -> Result<(), NameError> {
    let ok = (1..=200).contains(&text.len()) && !text.chars().any(char::is_control);
    if ok { Ok(()) } else { Err(NameError::new("record id", text, "use 1 to 200 bytes without control characters")) }
}

/// A position in the event log: 1, 2, 3 ... without gaps over all tenants of a store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sequence(pub u64);

impl Sequence {
    /// The position after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Makes a ULID (Universally Unique Lexicographically Sortable Identifier) of a time in
/// milliseconds since 1970 and 80 bits of entropy. Lower-cased Crockford base 32, 26 characters.
pub fn ulid(time_ms: u64, entropy: u128) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let bits = (u128::from(time_ms & 0xffff_ffff_ffff) << 80) | (entropy & ((1 << 80) - 1));
    (0..26).rev().map(|i| char::from(ALPHABET[usize::try_from((bits >> (i * 5)) & 31).unwrap_or(0)])).collect()
}

/// Makes a UUID of version 7 (RFC 9562) of a time in milliseconds since 1970 and 74 bits of entropy. It sorts by time.
pub fn uuid(time_ms: u64, entropy: u128) -> String {
    let random_a = (entropy >> 62) & 0xfff;
    let random_b = entropy & ((1 << 62) - 1);
    let bits = (u128::from(time_ms & 0xffff_ffff_ffff) << 80) | (7 << 76) | (random_a << 64) | (0b10 << 62) | random_b;
    let digits = format!("{bits:032x}");
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_follow_the_grammar() {
        for good in ["gl", "ap", "a1", "fixed-assets"] {
            assert!(PluginSlug::new(good).is_ok(), "{good}");
        }
        for bad in ["", "g", "1a", "GL", "a_b", "a.b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "jobs"] {
            assert!(PluginSlug::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn ulids_sort_by_time_and_have_26_characters() {
        let early = ulid(1_000, u128::MAX);
        let late = ulid(1_001, 0);
        assert_eq!(early.len(), 26);
        assert!(early < late);
        assert_eq!(ulid(0, 0), "0".repeat(26));
    }

    #[test]
    fn uuids_are_of_version_7_and_sort_by_time() {
        assert_eq!(uuid(0, 0), "00000000-0000-7000-8000-000000000000");
        assert_eq!(uuid(u64::MAX, u128::MAX), "ffffffff-ffff-7fff-bfff-ffffffffffff");
        assert!(uuid(1_000, u128::MAX) < uuid(1_001, 0));
        assert!(uuid(1_000, (1 << 62) - 1) < uuid(1_000, 1 << 62));
    }

    #[test]
    fn a_serialised_name_is_checked_again() {
        assert!(serde_json::from_str::<TenantId>("\"../x\"").is_err());
        assert_eq!(serde_json::from_str::<TenantId>("\"demo\"").map(String::from).ok().as_deref(), Some("demo"));
    }
}
