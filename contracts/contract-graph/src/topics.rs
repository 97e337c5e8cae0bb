//! Every topic name that the suite writes down anywhere, with the places.

use crate::emission::Reach;
use crate::graph::Graph;
use crate::pattern::is_pattern;
use contract_model::TopicName;
use contract_model::span::Location;
use std::collections::{BTreeMap, BTreeSet};

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
    /// Every exact topic name of this composition.
    pub fn names(&self) -> BTreeSet<&str> {
        let published = self.emissions().filter_map(|emission| match &emission.reach {
            Reach::Exact(names) => Some(names),
            _ => None,
        });
        let declared = self.declared_publications().flat_map(|(_, entry)| {
            let exact = Some(entry.value.topic.as_str()).filter(|name| !is_pattern(name));
            exact.into_iter().chain(entry.value.values.iter().map(TopicName::as_str))
        });
        let consumed = self.consumers().filter(|consumer| !consumer.is_pattern()).map(|one| one.topic.as_str());
        let published = published.flatten().map(String::as_str);
        self.owners().keys().copied().chain(published).chain(declared).chain(consumed).collect()
    }

    /// Every exact topic name of this composition with its places, sorted.
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
