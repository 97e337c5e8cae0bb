//! Which topics can ever happen: the least fixpoint from what enters the suite.
//!
//! A publishing call in the handler of an event only runs when that event happens. Starting from verbs, jobs, record
//! hooks, the top level and external topics, a topic can happen when some call that publishes it can run. As one
//! trigger is enough, the least fixpoint is what a walk reaches from the roots; what it does not reach is grouped by
//! strongly connected components, so the whole takes time linear in topics and calls.

use crate::emission::{Emission, Reach};
use crate::graph::Graph;
use crate::pattern::is_pattern;
use contract_model::Location;
use contract_parse::{Fact, FactKind, Guard, TopicValue};
use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, EdgeIndex, NodeIndex};
use petgraph::visit::{Dfs, EdgeRef};
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

/// What can happen in a composition.
#[derive(Debug, Clone, Default)]
pub struct Liveness {
    live: BTreeSet<String>,
    islands: Vec<Island>,
}

/// Topics that are published, but only ever in consequence of each other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Island {
    /// The topics it starts from: one that nobody asks for, or several that only feed each other. Sorted.
    pub topics: Vec<String>,
    /// Whether those topics feed each other, or the one itself.
    pub is_circle: bool,
    /// Further topics that only happen when one of these does, sorted.
    pub beyond: Vec<String>,
}

/// Handlers that publish what leads back to them, whatever the payload.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Loop {
    /// Each topic with the plugin and the call in its handler that publishes the next one; the last one the first.
    pub steps: Vec<(String, String, Location)>,
}

impl Liveness {
    /// Whether a topic or pattern can happen.
    pub fn is_live(&self, topic: &str) -> bool {
        self.live.contains(topic)
    }

    /// Every topic and pattern that can happen, sorted.
    pub fn live(&self) -> impl Iterator<Item = &str> {
        self.live.iter().map(String::as_str)
    }

    /// What is published and cannot happen, sorted.
    pub fn islands(&self) -> &[Island] {
        &self.islands
    }
}

impl<'a> Graph<'a> {
    /// What can happen, starting from what enters the suite from outside.
    pub fn liveness(&self) -> Liveness {
        let flow = Flow::of(self, |_| true);
        let live = flow.reached();
        let islands = flow.islands(&live);
        Liveness { live, islands }
    }

    /// The topics that can happen, starting from what enters the suite from outside.
    pub fn happening(&self) -> BTreeSet<String> {
        self.liveness().live
    }

    /// Circles of handlers without a condition on the way, one for each group of topics that lead to each other.
    pub fn loops(&self) -> Vec<Loop> {
        let certain = |emission: &Emission<'_>| {
            matches!(emission.reach, Reach::Exact(_))
                && emission.fact.is_some_and(|fact| fact.guard == Guard::None)
                && !self.hears_under_a_condition(emission)
        };
        let flow = Flow::of(self, certain);
        let mut loops: Vec<Loop> =
            tarjan_scc(&flow.graph).iter().filter_map(|group| flow.shortest_circle(group)).collect();
        loops.sort();
        loops
    }

    /// The topics whose handlers contain this place, `**` where it is not known which; none where the place lies
    /// outside of event handlers.
    pub fn triggers(&self, emission: &Emission<'a>) -> Option<BTreeSet<&'a str>> {
        let handlers = emission.fact?.within.as_deref()?.strip_prefix("event:")?;
        let plugin = self.suite().view(emission.plugin);
        let names: BTreeSet<&str> = handlers.split('|').collect();
        let subscriptions = plugin.running(FactKind::Subscribe).filter(|fact| is_handler(fact, &names));
        let mut topics: BTreeSet<&str> = subscriptions.flat_map(topics_of).collect();
        if topics.is_empty() {
            topics.extend(names.iter().map(|name| if *name == "?" { "**" } else { name }));
        }
        Some(topics)
    }

    /// Whether the handler around this place asks for some of its events only.
    fn hears_under_a_condition(&self, emission: &Emission<'_>) -> bool {
        let within = emission.fact.and_then(|fact| fact.within.as_deref()?.strip_prefix("event:"));
        let names: BTreeSet<&str> = within.into_iter().flat_map(|names| names.split('|')).collect();
        let mut subscriptions = self.suite().view(emission.plugin).running(FactKind::Subscribe);
        subscriptions.any(|fact| is_handler(fact, &names) && fact.options.contains_key("when"))
    }
}

fn is_handler(fact: &Fact, names: &BTreeSet<&str>) -> bool {
    fact.handler.as_deref().is_some_and(|handler| names.contains(handler))
        || topics_of(fact).iter().any(|topic| names.contains(topic))
}

fn topics_of(fact: &Fact) -> Vec<&str> {
    match &fact.topic {
        Some(TopicValue::Exact(names)) => names.iter().map(String::as_str).collect(),
        Some(TopicValue::Pattern(pattern)) => vec![pattern],
        _ => Vec::new(),
    }
}

/// One step from a topic to what its handlers publish; none where it only goes from a name to a pattern that hears it.
type Step<'g> = Option<(&'g str, &'g Location)>;

/// Topics, and what leads from one to the other.
struct Flow<'g> {
    graph: DiGraph<&'g str, Step<'g>>,
    nodes: BTreeMap<&'g str, NodeIndex>,
    edges: HashMap<(NodeIndex, NodeIndex), EdgeIndex>,
    root: NodeIndex,
}

impl<'g> Flow<'g> {
    /// The flow through the emissions that count.
    fn of<'a>(graph: &'g Graph<'a>, counts: impl Fn(&Emission<'a>) -> bool) -> Self {
        let mut nodes = DiGraph::new();
        let root = nodes.add_node("");
        let mut flow = Self { graph: nodes, nodes: BTreeMap::new(), edges: HashMap::new(), root };
        for consumer in graph.consumers() {
            let node = flow.node(&consumer.topic);
            if graph.enters_from_outside(&consumer.topic) {
                flow.lead(flow.root, node, None);
            }
        }
        for emission in graph.emissions().filter(|emission| counts(emission)) {
            flow.add(graph, emission);
        }
        flow.widen(graph);
        flow
    }

    fn node(&mut self, topic: &'g str) -> NodeIndex {
        *self.nodes.entry(topic).or_insert_with(|| self.graph.add_node(topic))
    }

    /// Puts one edge between two nodes. The graph's own search for it goes through all edges of a node, and the root
    /// has as many as there are topics.
    fn lead(&mut self, from: NodeIndex, to: NodeIndex, step: Step<'g>) {
        match self.edges.entry((from, to)) {
            Entry::Occupied(known) => self.graph[*known.get()] = step,
            Entry::Vacant(new) => _ = new.insert(self.graph.add_edge(from, to, step)),
        }
    }

    /// Edges from what triggers a call to what it publishes.
    fn add<'a>(&mut self, graph: &'g Graph<'a>, emission: &'g Emission<'a>) {
        let sources: Vec<NodeIndex> = match graph.triggers(emission) {
            None => vec![self.root],
            Some(topics) => topics.iter().map(|topic| self.node(topic)).collect(),
        };
        for target in emission.reach.patterns() {
            let target = self.node(target);
            for source in &sources {
                self.lead(*source, target, Some((emission.slug, &emission.location)));
            }
        }
    }

    /// Edges from each topic or pattern to those who hear it under another name.
    fn widen(&mut self, graph: &'g Graph<'_>) {
        let topics: Vec<(&'g str, NodeIndex)> = self.nodes.iter().map(|(topic, node)| (*topic, *node)).collect();
        for (topic, node) in topics {
            let wide = is_pattern(topic);
            let heard: BTreeSet<&'g str> =
                graph.consumers_near(topic).into_iter().map(|consumer| consumer.topic.as_str()).collect();
            for other in heard.into_iter().filter(|other| *other != topic && (wide || is_pattern(other))) {
                let other = self.node(other);
                self.lead(node, other, None);
            }
        }
    }

    fn reached(&self) -> BTreeSet<String> {
        let mut dfs = Dfs::new(&self.graph, self.root);
        let mut topics = BTreeSet::new();
        while let Some(node) = dfs.next(&self.graph) {
            topics.insert(self.graph[node].to_owned());
        }
        topics.remove("");
        topics
    }

    /// The components of what is not reached that nothing else unreached leads to.
    fn islands(&self, live: &BTreeSet<String>) -> Vec<Island> {
        let is_dead = |node: NodeIndex| node != self.root && !live.contains(self.graph[node]);
        let dead = self.graph.filter_map(|node, topic| is_dead(node).then_some(*topic), |_, _| Some(()));
        let groups = tarjan_scc(&dead);
        let of = |group: &Vec<NodeIndex>| {
            let own: BTreeSet<NodeIndex> = group.iter().copied().collect();
            let mut before = group.iter().flat_map(|node| dead.neighbors_directed(*node, petgraph::Incoming));
            if before.any(|node| !own.contains(&node)) {
                return None;
            }
            let is_circle = group.len() > 1 || dead.find_edge(group[0], group[0]).is_some();
            let topics: BTreeSet<String> = group.iter().map(|node| dead[*node].to_owned()).collect();
            let beyond = after(&dead, group[0]).filter(|topic| !topics.contains(*topic)).map(str::to_owned).collect();
            Some(Island { is_circle, beyond, topics: topics.into_iter().collect() })
        };
        let mut islands: Vec<Island> = groups.iter().filter_map(of).collect();
        islands.sort();
        islands
    }

    /// The shortest way from the first topic of a component back to it; none where there is none.
    fn shortest_circle(&self, group: &[NodeIndex]) -> Option<Loop> {
        let inside: BTreeSet<NodeIndex> = group.iter().copied().collect();
        let start = *group.iter().min_by_key(|node| &self.graph[**node])?;
        let mut before: BTreeMap<NodeIndex, (NodeIndex, Step<'g>)> = BTreeMap::new();
        let mut queue = VecDeque::from([start]);
        while let Some(node) = queue.pop_front() {
            for edge in self.sorted_edges(node).filter(|edge| inside.contains(&edge.target())) {
                if before.contains_key(&edge.target()) {
                    continue;
                }
                before.insert(edge.target(), (node, *edge.weight()));
                queue.push_back(edge.target());
            }
        }
        let mut steps = Vec::new();
        let mut at = start;
        loop {
            let (from, step) = before.get(&at)?;
            if let Some((slug, location)) = step {
                steps.push((self.graph[*from].to_owned(), (*slug).to_owned(), (*location).clone()));
            }
            at = *from;
            if at == start {
                steps.reverse();
                return Some(Loop { steps });
            }
        }
    }

    fn sorted_edges(&self, node: NodeIndex) -> impl Iterator<Item = petgraph::graph::EdgeReference<'_, Step<'g>>> {
        let mut edges: Vec<_> = self.graph.edges(node).collect();
        edges.sort_by_key(|edge| &self.graph[edge.target()]);
        edges.into_iter()
    }
}

/// Every topic that a walk from this one meets, sorted.
fn after<'t>(graph: &DiGraph<&'t str, ()>, start: NodeIndex) -> std::collections::btree_set::IntoIter<&'t str> {
    let mut dfs = Dfs::new(graph, start);
    let mut topics = BTreeSet::new();
    while let Some(node) = dfs.next(graph) {
        topics.insert(graph[node]);
    }
    topics.into_iter()
}
