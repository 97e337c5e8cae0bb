//! Every topic name that the suite writes down anywhere, with the places.

use crate::emission::Reach;
use crate::graph::Graph;
use contract_model::span::Location;
use std::collections::BTreeMap;

/// How a name is used at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TopicUse {
    /// Its contract.
    Owns,
    /// A publishing call or a manifest's `publishes`.
    Publishes,
    /// A subscription or a manifest's `consumes`.
    Consumes,
}

/// One topic with every place that names it.
#[derive(Debug, Clone)]
pub struct Topic<'a> {
    /// The name, as written; it may break the grammar.
    pub name: String,
    /// Use, plugin and place, sorted.
    pub places: Vec<(TopicUse, &'a str, Location)>,
}

impl<'a> Graph<'a> {
    /// Every exact topic name of this composition, sorted.
    pub fn topics(&self) -> Vec<Topic<'a>> {
        let mut all: BTreeMap<String, Vec<(TopicUse, &'a str, Location)>> = BTreeMap::new();
        let mut add =
            |name: &str, topic_use, slug, at| all.entry(name.to_owned()).or_default().push((topic_use, slug, at));
        for (name, owned) in self.owners() {
            add(name, TopicUse::Owns, owned.plugin.slug(), owned.plugin.at(owned.contract.name.span));
        }
        for emission in self.emissions() {
            if let Reach::Exact(names) = &emission.reach {
                for name in names {
                    add(name, TopicUse::Publishes, emission.slug, emission.location.clone());
                }
            }
        }
        for (plugin, entry) in self.declared_publications() {
            let exact = entry.value.topic.as_exact();
            for name in exact.iter().chain(&entry.value.values) {
                add(name.as_str(), TopicUse::Publishes, plugin.slug(), plugin.at(entry.span));
            }
        }
        for consumer in self.consumers().filter(|consumer| !consumer.is_pattern()) {
            add(&consumer.topic, TopicUse::Consumes, consumer.slug, consumer.location.clone());
        }
        all.into_iter()
            .map(|(name, mut places)| {
                places.sort();
                places.dedup();
                Topic { name, places }
            })
            .collect()
    }
}
