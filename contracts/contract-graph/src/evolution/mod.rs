//! What became of a suite: its topics, their contracts and who depends on them, before and now.
//!
//! Reading order: `topic` compares contracts, `schema` the payloads, `reader` says who reads which fields, `renamed`
//! pairs what went with what came, `bump` says which version a change deserves, `rollout` in which order plugins go.

mod bump;
mod reader;
mod renamed;
mod rollout;
mod schema;
mod topic;

pub use bump::{Bump, bump_between, next_version};
pub use reader::{Reader, Reads, Touch};
pub use rollout::{Rollout, RolloutStep};
pub use schema::{PayloadChange, Payloads};
pub use topic::{ContractChange, TopicChange};

use crate::graph::Graph;
use crate::suite::{PluginView, Suite};
use std::collections::BTreeSet;

/// Two states of one suite, side by side.
#[derive(Debug)]
pub struct Evolution<'a> {
    /// The graph of the suite as it was.
    pub before: Graph<'a>,
    /// The graph of the suite as it is.
    pub after: Graph<'a>,
    /// The topics of either that are not the same in both, sorted by name.
    pub topics: Vec<TopicChange<'a>>,
}

impl<'a> Evolution<'a> {
    /// Compares two states of a suite, each with all of its plugins.
    pub fn between(before: &'a Suite, after: &'a Suite) -> Self {
        let (before, after) = (Graph::whole(before), Graph::whole(after));
        let (existed, exists) = (before.named_topics(), after.named_topics());
        let mut topics: Vec<TopicChange<'a>> = existed
            .union(&exists)
            .filter_map(|name| {
                let there = (existed.contains(name), exists.contains(name));
                // What stands in a manifest that cannot be read did not come or go for certain.
                let unread = if there.0 { &after } else { &before };
                if there.0 != there.1 && unread.unread().next().is_some() {
                    return None;
                }
                TopicChange::of(&before, &after, name, there)
            })
            .collect();
        renamed::pair(&before, &after, &mut topics);
        Self { before, after, topics }
    }

    /// What became of a topic; none where it is as it was.
    pub fn topic(&self, name: &str) -> Option<&TopicChange<'a>> {
        self.topics.iter().find(|topic| topic.name == name)
    }

    /// The plugins that are in both states, as they were and as they are.
    pub fn plugins(&self) -> impl Iterator<Item = (PluginView<'a>, PluginView<'a>)> {
        self.before.plugins().filter_map(|before| Some((before, self.after.plugin(before.slug())?)))
    }

    /// The slugs of the plugins that came, went or have another text in them, sorted.
    pub fn changed_plugins(&self) -> BTreeSet<&'a str> {
        let slugs = self.before.plugins().chain(self.after.plugins()).map(PluginView::slug);
        let texts = |graph: &Graph<'a>, slug: &str| graph.plugin(slug).map(|view| &view.parsed.texts);
        slugs.filter(|slug| texts(&self.before, slug) != texts(&self.after, slug)).collect()
    }
}

impl<'a> Graph<'a> {
    /// Every topic that has a contract, or that somebody surely publishes or says to publish, by exact name.
    pub(crate) fn named_topics(&self) -> BTreeSet<String> {
        let owned = self.owners().keys().map(|name| (*name).to_owned());
        let declared = self.declared_publications().flat_map(|(_, entry)| {
            let exact = entry.value.topic.as_exact().into_iter().chain(entry.value.values.iter().cloned());
            exact.map(|name| name.to_string()).collect::<Vec<_>>()
        });
        let published = self.emissions().flat_map(|emission| match &emission.reach {
            crate::Reach::Exact(names) => names.iter().cloned().collect::<Vec<_>>(),
            _ => Vec::new(),
        });
        owned.chain(declared).chain(published).collect()
    }

    /// The slugs of the plugins that publish a topic, in code or by their manifests, sorted.
    pub fn publishers(&self, topic: &str) -> BTreeSet<&'a str> {
        let code = self.emissions().filter(|emission| emission.reach.surely(topic)).map(|emission| emission.slug);
        let declared = self.declared_publications().filter(|(_, entry)| {
            let entry = &entry.value;
            if entry.values.is_empty() {
                entry.topic.as_str() == topic
            } else {
                entry.values.iter().any(|value| value.as_str() == topic)
            }
        });
        code.chain(declared.map(|(view, _)| view.slug())).collect()
    }
}
