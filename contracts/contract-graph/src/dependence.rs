//! Which plugins cannot do without each other.

use crate::graph::Graph;
use contract_model::Location;
use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use std::collections::{BTreeMap, BTreeSet};

/// Plugins of which each needs the next, in a circle.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dependence {
    /// The slugs, sorted.
    pub plugins: Vec<String>,
    /// Why: one reason for each pair of plugins, sorted.
    pub ties: Vec<Tie>,
}

/// One plugin's need for another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tie {
    /// Who needs.
    pub from: String,
    /// Who is needed.
    pub to: String,
    /// The topic, or none where the manifest names the plugin under `requires`.
    pub topic: Option<String>,
    /// Where that is said.
    pub location: Location,
}

impl Graph<'_> {
    /// The groups of plugins that need each other: by required events, by requests, or by `requires`.
    pub fn dependences(&self) -> Vec<Dependence> {
        let ties = self.ties();
        let mut graph: DiGraph<&str, &Tie> = DiGraph::new();
        let mut nodes: BTreeMap<&str, NodeIndex> = BTreeMap::new();
        for tie in ties.values() {
            let [from, to] =
                [&tie.from, &tie.to].map(|slug| *nodes.entry(slug).or_insert_with(|| graph.add_node(slug)));
            graph.add_edge(from, to, tie);
        }
        let groups = tarjan_scc(&graph).into_iter().filter(|group| group.len() > 1);
        let mut found: Vec<Dependence> = groups
            .map(|group| {
                let plugins: BTreeSet<&str> = group.iter().map(|node| graph[*node]).collect();
                let inside = |tie: &&Tie| plugins.contains(tie.from.as_str()) && plugins.contains(tie.to.as_str());
                let edges = group.iter().flat_map(|node| graph.edges(*node)).map(|edge| *edge.weight());
                let ties: BTreeSet<Tie> = edges.filter(inside).cloned().collect();
                let plugins = plugins.iter().map(|slug| (*slug).to_owned()).collect();
                Dependence { plugins, ties: ties.into_iter().collect() }
            })
            .collect();
        found.sort();
        found
    }

    /// The first reason for each pair.
    fn ties(&self) -> BTreeMap<(String, String), Tie> {
        let mut ties = BTreeMap::new();
        let mut tie = |from: &str, to: &str, topic: Option<&str>, location: &Location| {
            if from != to {
                let pair = (from.to_owned(), to.to_owned());
                ties.entry(pair).or_insert_with(|| Tie {
                    from: from.to_owned(),
                    to: to.to_owned(),
                    topic: topic.map(str::to_owned),
                    location: location.clone(),
                });
            }
        };
        for consumer in self.consumers().filter(|consumer| !consumer.is_optional() && !consumer.is_pattern()) {
            if let Some(owner) = self.owner(&consumer.topic).filter(|_| !self.is_request(&consumer.topic)) {
                tie(consumer.slug, owner, Some(&consumer.topic), &consumer.location);
            }
        }
        for emission in self.emissions() {
            for topic in emission.reach.patterns().filter(|topic| self.is_request(topic)) {
                if let Some(responder) = self.responder(topic) {
                    tie(emission.slug, responder, Some(topic), &emission.location);
                }
            }
        }
        for view in self.plugins() {
            for (slug, version) in view.manifest().map(|manifest| &manifest.requires).into_iter().flatten() {
                if self.has_plugin(slug) {
                    tie(view.slug(), slug, None, &view.at(version.span));
                }
            }
        }
        ties
    }
}
