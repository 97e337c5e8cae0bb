//! Everything in a plugin that listens.

use crate::pattern::is_pattern;
use crate::suite::PluginView;
use contract_model::manifest::Consumes;
use contract_model::span::{Location, Spanned};
use contract_model::topic::pattern_matches;
use contract_parse::{Fact, FactKind, TopicValue};
use std::collections::BTreeMap;

/// One plugin's interest in one topic or pattern: what its manifest says and where its code subscribes.
#[derive(Debug, Clone)]
pub struct Consumer<'a> {
    /// Index of the plugin in the suite.
    pub plugin: usize,
    /// Its slug.
    pub slug: &'a str,
    /// The topic or pattern.
    pub topic: String,
    /// The manifest's entry that declares it, exactly or by a pattern that covers it.
    pub declared: Option<&'a Spanned<Consumes>>,
    /// The subscriptions in code that can run, sorted by place.
    pub sites: Vec<&'a Fact>,
    /// Where to point: the first subscription, else the manifest's entry.
    pub location: Location,
}

impl Consumer<'_> {
    /// Whether the manifest says that the topic may be absent.
    pub fn is_optional(&self) -> bool {
        self.declared.is_some_and(|entry| entry.value.optional)
    }

    /// Whether this is a pattern over topics.
    pub fn is_pattern(&self) -> bool {
        is_pattern(&self.topic)
    }

    /// Whether it hears this topic.
    pub fn hears(&self, topic: &str) -> bool {
        pattern_matches(&self.topic, topic)
    }

    /// Whether it hears exactly this topic by name; a pattern is no responder.
    pub fn hears_by_name(&self, topic: &str) -> bool {
        self.topic == topic
    }
}

/// All consumers of one plugin, sorted by topic.
pub(crate) fn consumers_of(view: PluginView<'_>) -> Vec<Consumer<'_>> {
    let declared = view.manifest().map(|manifest| manifest.consumes.as_slice()).unwrap_or_default();
    let mut by_topic: BTreeMap<&str, Vec<&Fact>> = BTreeMap::new();
    for entry in declared {
        by_topic.entry(entry.value.topic.as_str()).or_default();
    }
    for fact in view.running(FactKind::Subscribe) {
        for topic in named(fact) {
            by_topic.entry(topic).or_default().push(fact);
        }
    }
    by_topic.into_iter().map(|(topic, sites)| consumer(view, declared, topic, sites)).collect()
}

fn consumer<'a>(
    view: PluginView<'a>,
    declared: &'a [Spanned<Consumes>],
    topic: &str,
    mut sites: Vec<&'a Fact>,
) -> Consumer<'a> {
    sites.sort_by(|a, b| a.location.cmp(&b.location));
    let exact = declared.iter().find(|entry| entry.value.topic.as_str() == topic);
    let declared = exact.or_else(|| declared.iter().find(|entry| pattern_matches(entry.value.topic.as_str(), topic)));
    let location = match (sites.first(), declared) {
        (Some(fact), _) => fact.location.clone(),
        (None, Some(entry)) => view.at(entry.span),
        (None, None) => view.top(),
    };
    Consumer { plugin: view.index, slug: view.slug(), topic: topic.to_owned(), declared, sites, location }
}

fn named(fact: &Fact) -> Vec<&str> {
    match &fact.topic {
        Some(TopicValue::Exact(names)) => names.iter().map(String::as_str).collect(),
        Some(TopicValue::Pattern(pattern)) => vec![pattern],
        Some(TopicValue::Unknown(_)) | None => Vec::new(),
    }
}
