//! Who talks to whom, as plain data for drawing, tables and documents.

use contract_model::Location;
use contract_model::topic::pattern_matches;
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The wiring of a suite: plugins, topics and the edges between them, each sorted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wiring {
    /// The suite's display name.
    pub name: Option<String>,
    /// Every plugin, by slug.
    pub plugins: Vec<PluginCard>,
    /// Every topic that somebody owns, publishes or consumes, by name; patterns included.
    pub topics: Vec<TopicCard>,
    /// Every edge, by plugin, direction and topic.
    pub edges: Vec<Edge>,
}

/// A plugin as its one-page canvas shows it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PluginCard {
    /// The slug.
    pub slug: String,
    /// The display name.
    pub name: String,
    /// The version, where the manifest is readable.
    pub version: Option<String>,
    /// The manifest's own free texts, such as `description` and `author`.
    pub about: BTreeMap<String, String>,
    /// The plugins it requires, with the range of versions.
    pub requires: BTreeMap<String, String>,
    /// The capabilities it provides, with their versions.
    pub provides: BTreeMap<String, String>,
    /// The capabilities it uses; those that may be absent end in ` (optional)`.
    pub uses: BTreeSet<String>,
    /// Verbs as `METHOD /path`, jobs, record hooks: what starts work in it.
    pub entrances: BTreeSet<String>,
    /// What it allows itself, as `RULE topic: reason`.
    pub allowances: Vec<String>,
}

/// A topic with its contract.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TopicCard {
    /// The name or pattern.
    pub name: String,
    /// The plugin that owns it.
    pub owner: Option<String>,
    /// `event`, `request` or `reply`; none where nobody owns it.
    pub kind: Option<&'static str>,
    /// The version of its contract.
    pub version: Option<String>,
    /// `private`, `suite` or `public`.
    pub visibility: Option<&'static str>,
    /// The payload's schema, where there is one that can be read.
    pub schema: Option<Value>,
    /// JSON pointer to the field that orders delivery.
    pub key: Option<String>,
    /// The reply topics of a request: ok, then error.
    pub replies: Vec<String>,
    /// What to use instead, or nothing where it just goes; set when it is deprecated.
    pub deprecated: Option<String>,
    /// Why it may enter from outside, where suite.yaml names it.
    pub external: Option<String>,
    /// What is proved of it.
    pub verdict: Wired,
}

/// What is proved of a topic over the whole suite.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Wired {
    /// Somebody publishes it, or it enters from outside.
    #[default]
    Live,
    /// Published, and nobody hears it.
    Unheard,
    /// Consumed, and some unresolved call may publish it; or a pattern, of which it is not known which topics it is.
    Unproven,
    /// Consumed, and nobody publishes it.
    Dangling,
}

impl Wired {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Unheard => "unheard",
            Self::Unproven => "unproven",
            Self::Dangling => "dangling",
        }
    }
}

/// An edge between a plugin and a topic.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// The plugin's slug.
    pub plugin: String,
    /// Which way events go.
    pub direction: Direction,
    /// The topic or pattern.
    pub topic: String,
    /// False where only part of the name is known, and for optional consumption.
    pub firm: bool,
    /// The places, sorted.
    pub places: Vec<Location>,
}

/// Which way events go along an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From the plugin to the topic.
    Publishes,
    /// From the topic to the plugin.
    Consumes,
}

/// The edges of a wiring by what they end at, for asking about every topic in turn.
pub(crate) struct Ends<'w> {
    exact: BTreeMap<(Direction, &'w str), Vec<&'w Edge>>,
    patterns: Vec<&'w Edge>,
}

impl<'w> Ends<'w> {
    pub(crate) fn of(wiring: &'w Wiring) -> Self {
        let (patterns, named): (Vec<&Edge>, Vec<&Edge>) =
            wiring.edges.iter().partition(|edge| edge.topic.contains('*'));
        let mut exact: BTreeMap<(Direction, &str), Vec<&Edge>> = BTreeMap::new();
        for edge in named {
            exact.entry((edge.direction, &edge.topic)).or_default().push(edge);
        }
        Self { exact, patterns }
    }

    /// The edges at one end of a topic or pattern, by name or by pattern.
    pub(crate) fn at<'s>(&'s self, topic: &'s str, direction: Direction) -> impl Iterator<Item = &'w Edge> + 's {
        let under = topic.contains('*').then(|| self.exact.values().flatten());
        let under = under.into_iter().flatten().filter(move |edge| pattern_matches(topic, &edge.topic));
        let named = self.exact.get(&(direction, topic)).into_iter().flatten();
        let over = self.patterns.iter().filter(move |edge| edge.topic == topic || pattern_matches(&edge.topic, topic));
        named.chain(under).chain(over).copied().filter(move |edge| edge.direction == direction)
    }
}

impl Wiring {
    /// The edges of one plugin in one direction.
    pub fn of_plugin(&self, slug: &str, direction: Direction) -> impl Iterator<Item = &Edge> {
        self.edges.iter().filter(move |edge| edge.plugin == slug && edge.direction == direction)
    }

    /// The edges of one topic in one direction.
    pub fn of_topic(&self, topic: &str, direction: Direction) -> impl Iterator<Item = &Edge> {
        self.edges.iter().filter(move |edge| edge.topic == topic && edge.direction == direction)
    }

    /// The card of a topic.
    pub fn topic(&self, name: &str) -> Option<&TopicCard> {
        self.topics.iter().find(|topic| topic.name == name)
    }

    /// The card of a plugin.
    pub fn plugin(&self, slug: &str) -> Option<&PluginCard> {
        self.plugins.iter().find(|plugin| plugin.slug == slug)
    }

    /// The plugins at the other side of an edge, sorted; a pattern faces every topic that falls under it.
    pub fn facing(&self, edge: &Edge, direction: Direction) -> BTreeSet<&str> {
        let meets = |other: &&Edge| {
            let (a, b) = (edge.topic.as_str(), other.topic.as_str());
            a == b || pattern_matches(a, b) || pattern_matches(b, a)
        };
        let others = self.edges.iter().filter(|other| other.direction == direction);
        others.filter(meets).map(|other| other.plugin.as_str()).collect()
    }

    /// The plugins at one end of an exact topic, by name or by pattern, sorted.
    pub fn at_end(&self, topic: &str, direction: Direction) -> BTreeSet<&str> {
        let edges = self.edges.iter().filter(|edge| edge.direction == direction);
        edges.filter(|edge| pattern_matches(&edge.topic, topic)).map(|edge| edge.plugin.as_str()).collect()
    }

    /// Whether it is certain that this plugin stands at this end of a topic.
    pub fn is_firm(&self, plugin: &str, direction: Direction, topic: &str) -> bool {
        self.of_plugin(plugin, direction).any(|edge| edge.firm && pattern_matches(&edge.topic, topic))
    }

    /// What lies at most this many edges away from a topic. The topic itself stays even where nothing touches it.
    #[must_use]
    pub fn around(&self, topic: &str, depth: usize) -> Self {
        let (mut topics, mut plugins) = (BTreeSet::from([topic]), BTreeSet::new());
        for step in 0..depth {
            let near = self.edges.iter().filter(|edge| {
                if step % 2 == 0 {
                    topics.contains(edge.topic.as_str())
                } else {
                    plugins.contains(edge.plugin.as_str())
                }
            });
            let found: Vec<(&str, &str)> = near.map(|edge| (edge.plugin.as_str(), edge.topic.as_str())).collect();
            if step % 2 == 0 {
                plugins.extend(found.into_iter().map(|(plugin, _)| plugin));
            } else {
                topics.extend(found.into_iter().map(|(_, topic)| topic));
            }
        }
        self.reduced(&plugins, &topics)
    }

    fn reduced(&self, plugins: &BTreeSet<&str>, topics: &BTreeSet<&str>) -> Self {
        let has = |edge: &&Edge| plugins.contains(edge.plugin.as_str()) && topics.contains(edge.topic.as_str());
        Self {
            name: self.name.clone(),
            plugins: self.plugins.iter().filter(|one| plugins.contains(one.slug.as_str())).cloned().collect(),
            topics: self.topics.iter().filter(|one| topics.contains(one.name.as_str())).cloned().collect(),
            edges: self.edges.iter().filter(has).cloned().collect(),
        }
    }

    /// The edges from publisher to consumer, each with the topics that go along it; a consumed pattern counts for
    /// every topic that falls under it.
    pub fn between_plugins(&self) -> BTreeMap<(&str, &str), BTreeSet<&str>> {
        let mut all: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
        let (published, consumed): (Vec<&Edge>, Vec<&Edge>) =
            self.edges.iter().partition(|edge| edge.direction == Direction::Publishes);
        let mut by_topic: BTreeMap<&str, Vec<&Edge>> = BTreeMap::new();
        for edge in published {
            by_topic.entry(&edge.topic).or_default().push(edge);
        }
        for consumer in consumed {
            let exact = by_topic.get(consumer.topic.as_str()).into_iter().flatten();
            let is_pattern = consumer.topic.contains('*');
            let under = by_topic.iter().filter(|(topic, _)| {
                is_pattern && **topic != consumer.topic && pattern_matches(&consumer.topic, topic)
            });
            for publisher in exact.chain(under.flat_map(|(_, edges)| edges)) {
                let pair = (publisher.plugin.as_str(), consumer.plugin.as_str());
                all.entry(pair).or_default().insert(&publisher.topic);
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(plugin: &str, direction: Direction, topic: &str) -> Edge {
        Edge { plugin: plugin.into(), direction, topic: topic.into(), firm: true, places: Vec::new() }
    }

    fn chain() -> Wiring {
        let card = |name: &str| TopicCard { name: name.into(), ..TopicCard::default() };
        let plugin = |slug: &str| PluginCard { slug: slug.into(), ..PluginCard::default() };
        Wiring {
            name: None,
            plugins: vec![plugin("a"), plugin("b"), plugin("c")],
            topics: vec![card("a.x.one"), card("b.x.two")],
            edges: vec![
                edge("a", Direction::Publishes, "a.x.one"),
                edge("b", Direction::Publishes, "b.x.two"),
                edge("b", Direction::Consumes, "a.x.one"),
                edge("c", Direction::Consumes, "b.*.two"),
            ],
        }
    }

    #[test]
    fn around_goes_as_far_as_asked() {
        let names = |depth| {
            let part = chain().around("a.x.one", depth);
            let plugins: Vec<String> = part.plugins.into_iter().map(|plugin| plugin.slug).collect();
            (plugins.join(" "), part.topics.len(), part.edges.len())
        };
        assert_eq!(names(0), (String::new(), 1, 0));
        assert_eq!(names(1), ("a b".into(), 1, 2));
        assert_eq!(names(2), ("a b".into(), 2, 3));
    }

    #[test]
    fn between_plugins_a_pattern_counts_for_its_topics() {
        let wiring = chain();
        let edges: Vec<_> = wiring.between_plugins().into_iter().collect();
        assert_eq!(edges, [(("a", "b"), BTreeSet::from(["a.x.one"])), (("b", "c"), BTreeSet::from(["b.x.two"]))]);
    }
}
