//! The three answers to "does anybody publish this?".

use crate::emission::Emission;
use crate::graph::Graph;

/// Whether a topic, or something under a pattern, is published.
#[derive(Debug, Clone)]
pub enum Verdict<'g, 'a> {
    /// At least one place publishes it for certain, or it enters from outside.
    Live,
    /// Proved: no place can publish it.
    Dangling,
    /// Nobody publishes it for certain, but these places might; only resolving them decides.
    Unproven {
        /// The places, sorted.
        blocking: Vec<&'g Emission<'a>>,
    },
}

impl<'a> Graph<'a> {
    /// Whether anybody in this composition publishes this topic, or something under this pattern.
    pub fn verdict(&self, pattern: &str) -> Verdict<'_, 'a> {
        if self.enters_from_outside(pattern) || self.emissions().any(|emission| emission.reach.surely_under(pattern)) {
            return Verdict::Live;
        }
        let blocking: Vec<_> = self.emissions().filter(|emission| emission.reach.maybe(pattern)).collect();
        if blocking.is_empty() { Verdict::Dangling } else { Verdict::Unproven { blocking } }
    }

    /// Whether events of this topic or pattern enter from outside the suite: the suite names it external, or its
    /// contract is public and no plugin declares that it publishes it, so that only clients can.
    pub fn enters_from_outside(&self, pattern: &str) -> bool {
        let named = self.suite().manifest.external.iter().any(|entry| overlap(entry.value.topic.as_str(), pattern));
        named || self.inlets().any(|inlet| overlap(inlet, pattern))
    }
}

/// Whether some topic falls under both patterns. A plain topic is a pattern of one.
pub fn overlap(a: &str, b: &str) -> bool {
    let (mut a, mut b) = (a.split('.'), b.split('.'));
    loop {
        match (a.next(), b.next()) {
            (None, None) | (Some("**"), Some(_)) | (Some(_), Some("**")) => return true,
            (Some("*"), Some(_)) | (Some(_), Some("*")) => {}
            (Some(x), Some(y)) if x == y => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::overlap;

    #[test]
    fn patterns_overlap_where_one_topic_fits_both() {
        for (a, b) in [("a.b", "a.b"), ("a.*", "*.b"), ("a.**", "a.b.c"), ("**", "a.b"), ("a.*.c", "a.b.**")] {
            assert!(overlap(a, b) && overlap(b, a), "{a} {b}");
        }
        for (a, b) in [("a.b", "a.c"), ("a.*", "a.b.c"), ("a.**", "b.c"), ("a.**", "a"), ("a.b", "a.b.c")] {
            assert!(!overlap(a, b) && !overlap(b, a), "{a} {b}");
        }
    }
}
