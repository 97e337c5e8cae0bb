//! The static graph against what really happened.

use crate::graph::Graph;
use crate::pattern::is_pattern;
use crate::suite::PluginView;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Which way an event went between a plugin and the bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The plugin published it, requests and replies included.
    Publish,
    /// It was delivered to a handler of the plugin.
    Consume,
}

/// One edge that a running daemon saw.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ObservedEdge {
    /// The plugin's slug.
    pub plugin: String,
    /// Which way.
    pub direction: Direction,
    /// The event's topic.
    pub topic: String,
}

/// One edge of the static graph: the topic may be a pattern.
pub type StaticEdge = ObservedEdge;

/// How the static graph and what happened differ.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// Edges that happened and that the graph does not have: the analysis overlooked something. Sorted.
    pub missed: Vec<ObservedEdge>,
    /// Edges that happened and that only a call with an unresolved topic explains. Sorted.
    pub unresolved: Vec<ObservedEdge>,
    /// Edges of the graph that never happened: not exercised, or more than there is. Sorted.
    pub never_seen: Vec<StaticEdge>,
    /// Edges of the graph that happened.
    pub seen: usize,
    /// Edges of the graph.
    pub expected: usize,
}

impl Graph<'_> {
    /// Compares the graph with what a daemon saw. Plugins outside of the graph are no part of the question.
    pub fn verify(&self, observed: &BTreeSet<ObservedEdge>) -> Verification {
        let mut result = Verification::default();
        for edge in observed.iter().filter(|edge| self.has_plugin(&edge.plugin)) {
            match self.explains(edge) {
                Explained::Surely => {}
                Explained::Perhaps => result.unresolved.push(edge.clone()),
                Explained::Not => result.missed.push(edge.clone()),
            }
        }
        let expected = self.edges();
        result.expected = expected.len();
        result.never_seen = expected.into_iter().filter(|edge| !happened(edge, observed)).collect();
        result.seen = result.expected - result.never_seen.len();
        result
    }

    /// Every edge between a plugin and the bus that the graph is sure of, sorted.
    pub fn edges(&self) -> BTreeSet<StaticEdge> {
        let edge = |plugin: &str, direction, topic: &str| StaticEdge {
            plugin: plugin.to_owned(),
            direction,
            topic: topic.to_owned(),
        };
        let published = self.emissions().flat_map(|emission| {
            let sure = emission.reach.patterns().filter(|topic| emission.reach.surely_under(topic));
            sure.map(|topic| edge(emission.slug, Direction::Publish, topic))
        });
        let consumed = self.consumers().map(|consumer| edge(consumer.slug, Direction::Consume, &consumer.topic));
        published.chain(consumed).collect()
    }

    fn explains(&self, edge: &ObservedEdge) -> Explained {
        let is = |sure| if sure { Explained::Surely } else { Explained::Perhaps };
        match edge.direction {
            Direction::Consume => {
                let mut hearers = self.consumers_of(&edge.topic);
                let is_unread = || self.plugin(&edge.plugin).is_some_and(PluginView::is_unread);
                match hearers.any(|one| one.slug == edge.plugin) {
                    true => Explained::Surely,
                    false if is_unread() => Explained::Perhaps,
                    false => Explained::Not,
                }
            }
            Direction::Publish => {
                let view = self.plugin(&edge.plugin);
                let own = view.map(|view| self.emissions_by(view.index)).unwrap_or_default();
                let own = own.iter().filter(|one| one.reach.maybe(&edge.topic));
                own.map(|one| is(one.reach.surely(&edge.topic))).min().unwrap_or(Explained::Not)
            }
        }
    }
}

/// How well the graph explains what happened, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Explained {
    Surely,
    Perhaps,
    Not,
}

fn happened(edge: &StaticEdge, observed: &BTreeSet<ObservedEdge>) -> bool {
    if !is_pattern(&edge.topic) {
        return observed.contains(edge);
    }
    let first = ObservedEdge { topic: String::new(), ..edge.clone() };
    let rest = observed.range(first..);
    let mut own = rest.take_while(|seen| seen.plugin == edge.plugin && seen.direction == edge.direction);
    own.any(|seen| contract_model::topic::pattern_matches(&edge.topic, &seen.topic))
}
