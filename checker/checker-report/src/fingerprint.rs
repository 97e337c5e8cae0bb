//! The identity of a finding over time.

use sha2::{Digest, Sha256};

/// What makes a finding the same finding, whatever lines it moves to.
#[derive(Debug, Clone, Copy)]
pub struct Identity<'a> {
    /// The rule's id.
    pub rule: &'a str,
    /// The plugin's slug.
    pub plugin: &'a str,
    /// The topic, or the thing that stands in its place.
    pub topic: &'a str,
    /// The part the place plays, such as `publish` or `consume`.
    pub role: &'a str,
    /// The handler or file that encloses the place.
    pub symbol: &'a str,
}

/// Sixteen hexadecimal digits. The parts are separated by a byte that none of them contains.
pub fn fingerprint(identity: Identity<'_>) -> String {
    let Identity { rule, plugin, topic, role, symbol } = identity;
    let digest = Sha256::digest([rule, plugin, topic, role, symbol].join("\0"));
    hex::encode(&digest[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_into_each_other() {
        let one = Identity { rule: "TL201", plugin: "ab", topic: "c.d", role: "consume", symbol: "" };
        let other = Identity { plugin: "a", topic: "bc.d", ..one };
        assert_ne!(fingerprint(one), fingerprint(other));
        assert_eq!(fingerprint(one).len(), 16);
    }
}
