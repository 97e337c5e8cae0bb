//! Who owns a topic, who answers it, who hears it.

use crate::consumer::Consumer;
use crate::graph::Graph;
use crate::suite::{PluginView, Suite};
use contract_model::manifest::{TopicContract, TopicKind};
use std::collections::BTreeMap;

/// A topic's contract and the plugin that owns it.
#[derive(Debug, Clone, Copy)]
pub struct Owned<'a> {
    /// The owner.
    pub plugin: PluginView<'a>,
    /// The contract.
    pub contract: &'a TopicContract,
}

pub(crate) type Owners<'a> = BTreeMap<&'a str, Owned<'a>>;

/// The contracts of these plugins by topic. Where two plugins claim a topic, the one whose slug is its namespace wins.
pub(crate) fn owners<'a>(plugins: impl Iterator<Item = PluginView<'a>>) -> Owners<'a> {
    let mut all = Owners::new();
    for plugin in plugins {
        let topics = plugin.manifest().map(|manifest| &manifest.topics);
        for (name, contract) in topics.into_iter().flatten() {
            if name.namespace() == plugin.slug() || !all.contains_key(name.as_str()) {
                all.insert(name.as_str(), Owned { plugin, contract });
            }
        }
    }
    all
}

impl Suite {
    /// The contract of a topic, with its owner, over all plugins of the suite.
    pub fn contract(&self, topic: &str) -> Option<Owned<'_>> {
        let of = |plugin: PluginView<'_>| plugin.manifest().is_some_and(|manifest| manifest.topics.contains_key(topic));
        let namespace = topic.split('.').next().unwrap_or_default();
        let plugin =
            self.plugin(namespace).filter(|plugin| of(*plugin)).or_else(|| self.views().find(|plugin| of(*plugin)))?;
        plugin.manifest()?.topics.get(topic).map(|contract| Owned { plugin, contract })
    }
}

impl<'a> Graph<'a> {
    /// The contract of a topic, with its owner, within this composition.
    pub fn contract(&self, topic: &str) -> Option<Owned<'a>> {
        self.owners().get(topic).copied()
    }

    /// The slug of the plugin that owns a topic.
    pub fn owner(&self, topic: &str) -> Option<&'a str> {
        self.contract(topic).map(|owned| owned.plugin.slug())
    }

    /// Everyone who hears a topic, by name or by pattern, sorted by plugin and topic.
    pub fn consumers_of<'g>(&'g self, topic: &'g str) -> impl Iterator<Item = &'g Consumer<'a>> {
        self.consumers().filter(move |consumer| consumer.hears(topic))
    }

    /// Whether a topic is a question: by its contract, else by its last segment.
    pub fn is_request(&self, topic: &str) -> bool {
        match self.contract(topic).or_else(|| self.suite().contract(topic)) {
            Some(owned) => owned.contract.kind == TopicKind::Request,
            None => topic.ends_with(".request"),
        }
    }

    /// Those who answer a request: who subscribes by name, in code where there is code to read. Sorted; one is right.
    pub fn responders(&self, request: &str) -> Vec<&Consumer<'a>> {
        self.consumers()
            .filter(|consumer| consumer.hears_by_name(request))
            .filter(|consumer| !consumer.sites.is_empty() || !self.suite().view(consumer.plugin).has_code())
            .collect()
    }

    /// The one who answers a request.
    pub fn responder(&self, request: &str) -> Option<&'a str> {
        self.responders(request).first().map(|consumer| consumer.slug)
    }
}
