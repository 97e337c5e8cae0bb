//! Who owns which topic.

use crate::suite::{PluginView, Suite};
use contract_model::manifest::TopicContract;
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

/// The contracts of these plugins by topic. Where two plugins claim a topic, the first whose slug is its namespace wins,
/// else the first.
pub(crate) fn owners<'a>(plugins: impl Iterator<Item = PluginView<'a>>) -> Owners<'a> {
    let mut all = Owners::new();
    for plugin in plugins {
        let topics = plugin.manifest().map(|manifest| &manifest.topics);
        for (name, contract) in topics.into_iter().flatten() {
            let is_rightful = |owned: &Owned<'_>| owned.plugin.slug() == name.namespace();
            let owned = Owned { plugin, contract };
            let known = all.entry(name.as_str()).or_insert(owned);
            if !is_rightful(known) && is_rightful(&owned) {
                *known = owned;
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
