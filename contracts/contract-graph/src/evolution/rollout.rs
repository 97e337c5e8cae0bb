//! In which order plugins are to be upgraded, so that nobody meets what it does not understand.

use super::Evolution;
use super::topic::TopicChange;
use contract_schema::{ChangeKind, Verdict};
use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use std::collections::{BTreeMap, BTreeSet};

/// An order of upgrades.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollout {
    /// The steps, first to last. Plugins that are not named may go at any time.
    pub steps: Vec<RolloutStep>,
}

/// Plugins that are upgraded together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolloutStep {
    /// Their slugs, sorted. More than one where each waits for another: they can only go at once.
    pub plugins: Vec<String>,
    /// Why they go at this point, or why at once. Sorted.
    pub because: Vec<String>,
}

/// Whether somebody may meet what it does not understand while only some plugins are upgraded.
fn breaks(topic: &TopicChange<'_>) -> bool {
    let payloads = topic.payloads.under(topic.mode());
    let unclear = |verdict, kind| verdict == Verdict::Unknown && kind != ChangeKind::PropertyAddedToOpen;
    topic.is_removed()
        || payloads.iter().any(|one| {
            one.verdict == Verdict::Incompatible
                || unclear(one.verdict, one.change.kind)
                || one.change.kind.removes_field()
        })
}

/// Who must be upgraded before whom, and why.
type Edges<'a> = BTreeMap<(&'a str, &'a str), BTreeSet<String>>;

impl<'a> Evolution<'a> {
    /// The order of upgrades, where a change asks for one.
    pub fn rollout(&self) -> Option<Rollout> {
        let changed = self.changed_plugins();
        let mut edges = Edges::new();
        self.topics.iter().filter(|topic| breaks(topic)).for_each(|topic| self.edges(topic, &mut edges));
        let has_break = !edges.is_empty();
        self.topics.iter().filter(|topic| topic.is_added()).for_each(|topic| self.edges(topic, &mut edges));
        edges.retain(|(first, then), _| changed.contains(first) && changed.contains(then));
        (has_break && !edges.is_empty()).then(|| Rollout { steps: steps(&edges) })
    }

    fn edges(&self, topic: &TopicChange<'a>, edges: &mut Edges<'a>) {
        let (readers, writers) = self.sides(topic);
        let name = &topic.name;
        if topic.is_removed() {
            let (first, then, why) = if topic.is_request() {
                (&writers, &readers, format!("`{name}` is asked no more before it is answered no more"))
            } else {
                (&readers, &writers, format!("`{name}` is heard no more before it is published no more"))
            };
            return join(edges, first, then, &why);
        }
        if topic.is_added() {
            let (first, then, why) = if topic.is_request() {
                (&readers, &writers, format!("`{name}` is answered before it is asked"))
            } else {
                (&writers, &readers, format!("`{name}` is published before it is relied upon"))
            };
            return join(edges, first, then, &why);
        }
        let breaks = |verdict: Verdict| verdict > Verdict::Compatible;
        let (backward, forward) = (breaks(topic.payloads.backward()), breaks(topic.payloads.forward()));
        if forward {
            join(edges, &readers, &writers, &format!("who reads `{name}` must understand its new payloads first"));
        }
        if backward {
            join(edges, &writers, &readers, &format!("who writes `{name}` must send what the new schema takes first"));
        }
    }

    /// Who reads and who writes a topic, in either state.
    fn sides(&self, topic: &TopicChange<'a>) -> (BTreeSet<&'a str>, BTreeSet<&'a str>) {
        let name = topic.name.as_str();
        let graphs = [&self.before, &self.after];
        let writers = graphs.iter().flat_map(|graph| graph.publishers(name)).collect();
        let readers = graphs.iter().flat_map(|graph| graph.readers(name)).map(|reader| reader.plugin.slug()).collect();
        (readers, writers)
    }
}

fn join<'a>(edges: &mut Edges<'a>, first: &BTreeSet<&'a str>, then: &BTreeSet<&'a str>, why: &str) {
    for one in first {
        for other in then.iter().filter(|other| *other != one) {
            edges.entry((one, other)).or_default().insert(why.to_owned());
        }
    }
}

fn steps(edges: &Edges<'_>) -> Vec<RolloutStep> {
    let slugs: BTreeSet<&str> = edges.keys().flat_map(|(first, then)| [*first, *then]).collect();
    let mut graph = DiGraph::new();
    let nodes: BTreeMap<&str, NodeIndex> = slugs.iter().map(|slug| (*slug, graph.add_node(*slug))).collect();
    for (first, then) in edges.keys() {
        graph.add_edge(nodes[first], nodes[then], ());
    }
    // The algorithm gives the last ones first.
    let groups = tarjan_scc(&graph).into_iter().rev();
    groups.map(|group| step(edges, group.into_iter().map(|node| graph[node]).collect())).collect()
}

fn step(edges: &Edges<'_>, group: BTreeSet<&str>) -> RolloutStep {
    let inside = |slug: &str| group.contains(slug);
    let together = group.len() > 1;
    let reasons =
        edges.iter().filter(|((first, then), _)| if together { inside(first) && inside(then) } else { inside(first) });
    let because: BTreeSet<String> = reasons.flat_map(|(_, why)| why.iter().cloned()).collect();
    RolloutStep { plugins: group.into_iter().map(str::to_owned).collect(), because: because.into_iter().collect() }
}
