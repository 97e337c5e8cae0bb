//! Which topics can ever happen: the least fixpoint from what enters the suite.
//!
//! A publishing call in the handler of an event only runs when that event happens. Starting from verbs, jobs, record
//! hooks, the top level and external topics, a topic can happen when some call that publishes it can run. As one
//! trigger is enough, the least fixpoint is what a walk reaches from the roots.

use crate::emission::{Emission, Reach};
use crate::graph::Graph;
use contract_parse::{Fact, FactKind, TopicValue};
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::Dfs;
use std::collections::{BTreeMap, BTreeSet};

impl Graph<'_> {
    /// The topics that can happen, starting from what enters the suite from outside.
    pub fn happening(&self) -> BTreeSet<String> {
        let mut walk = Walk::new(self);
        for emission in self.emissions() {
            walk.add(self, emission);
        }
        walk.reached()
    }

    /// The topics whose handlers contain this place; none where it lies outside of event handlers.
    pub fn triggers(&self, emission: &Emission<'_>) -> Option<BTreeSet<String>> {
        let handler = emission.fact?.within.as_deref()?.strip_prefix("event:")?;
        let plugin = self.suite().view(emission.plugin);
        let subscriptions = plugin.running(FactKind::Subscribe).filter(|fact| is_handler(fact, handler));
        let mut topics: BTreeSet<String> = subscriptions.flat_map(topics_of).collect();
        if topics.is_empty() {
            topics.insert(handler.to_owned());
        }
        Some(topics)
    }
}

fn is_handler(fact: &Fact, handler: &str) -> bool {
    fact.handler.as_deref() == Some(handler) || topics_of(fact).iter().any(|topic| topic == handler)
}

fn topics_of(fact: &Fact) -> Vec<String> {
    match &fact.topic {
        Some(TopicValue::Exact(names)) => names.iter().cloned().collect(),
        Some(TopicValue::Pattern(pattern)) => vec![pattern.clone()],
        _ => Vec::new(),
    }
}

struct Walk {
    graph: DiGraph<String, ()>,
    nodes: BTreeMap<String, NodeIndex>,
    root: NodeIndex,
}

impl Walk {
    fn new(graph: &Graph<'_>) -> Self {
        let mut nodes = DiGraph::new();
        let root = nodes.add_node(String::new());
        let mut walk = Self { graph: nodes, nodes: BTreeMap::new(), root };
        for consumer in graph.consumers().filter(|consumer| graph.enters_from_outside(&consumer.topic)) {
            let node = walk.node(&consumer.topic);
            walk.graph.add_edge(walk.root, node, ());
        }
        walk
    }

    fn node(&mut self, topic: &str) -> NodeIndex {
        if let Some(node) = self.nodes.get(topic) {
            return *node;
        }
        let node = self.graph.add_node(topic.to_owned());
        self.nodes.insert(topic.to_owned(), node);
        node
    }

    /// Edges from what triggers a call to what it publishes, and on to the patterns that hear it.
    fn add(&mut self, graph: &Graph<'_>, emission: &Emission<'_>) {
        let targets = match &emission.reach {
            Reach::Exact(names) | Reach::Vouched(names) => names.clone(),
            Reach::Pattern(pattern) => BTreeSet::from([pattern.clone()]),
            Reach::Unknown => BTreeSet::from(["**".to_owned()]),
        };
        let sources: Vec<NodeIndex> = match graph.triggers(emission) {
            None => vec![self.root],
            Some(topics) => topics.iter().map(|topic| self.node(topic)).collect(),
        };
        for target in targets {
            let heard = graph.consumers().filter(|consumer| crate::overlap(&target, &consumer.topic));
            let nodes: Vec<NodeIndex> = heard.map(|consumer| self.node(&consumer.topic)).collect();
            let own = self.node(&target);
            for source in &sources {
                nodes.iter().chain([&own]).for_each(|node| {
                    self.graph.update_edge(*source, *node, ());
                });
            }
        }
    }

    fn reached(&self) -> BTreeSet<String> {
        let mut dfs = Dfs::new(&self.graph, self.root);
        let mut topics = BTreeSet::new();
        while let Some(node) = dfs.next(&self.graph) {
            topics.insert(self.graph[node].clone());
        }
        topics.remove("");
        topics
    }
}
