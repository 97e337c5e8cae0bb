//! The three answers to "does anybody publish this?".

use crate::emission::Emission;
use crate::graph::Graph;

/// The most places that an answer names one by one. Unresolved calls may be many, and each stands in the way of every
/// topic: naming all of them for each would cost their product.
const NAMED_MAX: usize = 8;

/// Whether a topic, or something under a pattern, is published.
#[derive(Debug, Clone)]
pub enum Verdict<'g, 'a> {
    /// At least one place publishes it for certain, or it enters from outside.
    Live,
    /// Proved: no place can publish it.
    Dangling,
    /// Nobody publishes it for certain, but some places might; only resolving them decides.
    Unproven {
        /// The places, sorted; of many the first ones.
        blocking: Vec<&'g Emission<'a>>,
        /// How many places there are besides those.
        further: usize,
    },
}

impl<'a> Graph<'a> {
    /// Whether anybody in this composition publishes this topic, or something under this pattern.
    pub fn verdict(&self, pattern: &str) -> Verdict<'_, 'a> {
        if self.enters_from_outside(pattern) || self.is_surely_published(pattern) {
            return Verdict::Live;
        }
        let (first, all) = self.perhaps_publishing(pattern, NAMED_MAX);
        if all == 0 { Verdict::Dangling } else { Verdict::Unproven { further: all - first.len(), blocking: first } }
    }
}
