//! The edges that really happened: which plugin published and which handled which topic, and how often.

use contract_model::{Event, job};
use std::collections::BTreeMap;

/// How often, by plugin and topic. As many entries as the suite has edges, so nothing here needs a bound.
pub(crate) type Counts = BTreeMap<String, BTreeMap<String, u64>>;

/// Edges since the daemon started.
#[derive(Debug, Default)]
pub(crate) struct Observed {
    published: Counts,
    handled: Counts,
}

impl Observed {
    /// An event was decided. What clients and the daemon itself publish is nobody's edge, and a
    /// job no edge at all: it never leaves its plugin.
    pub(crate) fn published(&mut self, event: &Event) {
        if let Some(plugin) = event.publisher.strip_prefix("plugin:").filter(|_| !job::is_job(&event.topic)) {
            count(&mut self.published, plugin, event.topic.as_str());
        }
    }

    /// A plugin's handler has finished an event.
    pub(crate) fn handled(&mut self, plugin: &str, topic: &str) {
        count(&mut self.handled, plugin, topic);
    }

    /// What was published and what was handled, in this order.
    pub(crate) fn edges(&self) -> (Counts, Counts) {
        (self.published.clone(), self.handled.clone())
    }
}

/// Makes texts only for what is new; this runs for every event.
fn count(counts: &mut Counts, plugin: &str, topic: &str) {
    if let Some(known) = counts.get_mut(plugin).and_then(|topics| topics.get_mut(topic)) {
        *known += 1;
    } else {
        counts.entry(plugin.to_owned()).or_default().insert(topic.to_owned(), 1);
    }
}
