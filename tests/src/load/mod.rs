//! A suite as large as the checker must bear, with its truth: plugins in eleven styles of writing, and things in
//! comments and texts that only look like calls.

pub mod peer;
pub mod saves;
mod spread;
mod style;
mod writer;

pub use spread::Spread;
pub use style::{STYLES, Style};
pub use writer::{Sized, write};

use contract_parse::{FactKind, ParsedPlugin, TopicValue};
use std::collections::BTreeSet;

/// One thing a plugin does: its slug, `publish` or `subscribe`, and a topic.
pub type Deed = (String, &'static str, String);

/// What is known to be true of a generated suite.
#[derive(Debug, Default)]
pub struct Truth {
    /// What the plugins do, topic by topic.
    pub deeds: BTreeSet<Deed>,
    /// Calls whose topic nothing can know.
    pub open: usize,
}

/// How the checker's facts compare with the truth.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Score {
    /// Deeds that were found.
    pub found: usize,
    /// Deeds that were not.
    pub missed: BTreeSet<Deed>,
    /// Found deeds that are not true.
    pub invented: BTreeSet<Deed>,
    /// Calls listed as not fully known.
    pub open: usize,
}

impl Score {
    /// Compares facts with the truth.
    pub fn of<'p>(plugins: impl Iterator<Item = &'p ParsedPlugin>, truth: &Truth) -> Self {
        let mut score = Self::default();
        let mut seen = BTreeSet::new();
        for plugin in plugins {
            let slug = plugin.manifest.as_ref().map(|manifest| manifest.slug.value.to_string()).unwrap_or_default();
            for fact in plugin.facts.iter().filter(|fact| fact.reachable != Some(false)) {
                let verb = match fact.kind {
                    FactKind::Publish => "publish",
                    FactKind::Subscribe => "subscribe",
                    _ => continue,
                };
                match &fact.topic {
                    Some(TopicValue::Exact(topics)) => {
                        seen.extend(topics.iter().map(|topic| (slug.clone(), verb, topic.clone())));
                    }
                    _ => score.open += 1,
                }
            }
        }
        score.found = seen.intersection(&truth.deeds).count();
        score.missed = truth.deeds.difference(&seen).cloned().collect();
        score.invented = seen.difference(&truth.deeds).cloned().collect();
        score
    }

    /// The share of what was found that is true.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    pub fn precision(&self) -> f64 {
        self.found as f64 / (self.found + self.invented.len()).max(1) as f64
    }

    /// The share of what is true that was found.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    pub fn recall(&self) -> f64 {
        self.found as f64 / (self.found + self.missed.len()).max(1) as f64
    }
}
