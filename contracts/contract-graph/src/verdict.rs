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
        let near = self.emissions_near(pattern);
        if self.enters_from_outside(pattern) || near.iter().any(|emission| emission.reach.surely_under(pattern)) {
            return Verdict::Live;
        }
        let blocking: Vec<_> = near.into_iter().filter(|emission| emission.reach.maybe(pattern)).collect();
        if blocking.is_empty() { Verdict::Dangling } else { Verdict::Unproven { blocking } }
    }
}
