//! Requests that wait for each other.

use crate::emission::{Emission, Reach, Via};
use crate::graph::Graph;
use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use std::collections::{BTreeMap, BTreeSet};

/// A request that is made while another is being answered.
#[derive(Debug, Clone)]
pub struct Wait<'g, 'a> {
    /// The request that is being answered.
    pub answering: String,
    /// The request that is made meanwhile.
    pub asked: String,
    /// The call that makes it.
    pub by: &'g Emission<'a>,
}

impl<'a> Graph<'a> {
    /// Every request that is made while another is being answered, sorted.
    pub fn waits(&self) -> Vec<Wait<'_, 'a>> {
        let mut out: Vec<Wait<'_, 'a>> = Vec::new();
        for by in self.emissions().filter(|emission| emission.via == Via::Request) {
            let Reach::Exact(asked) = &by.reach else { continue };
            for answering in self.answering(by) {
                let wait = |asked: &String| Wait { answering: answering.clone(), asked: asked.clone(), by };
                out.extend(asked.iter().map(wait));
            }
        }
        out.sort_by(|a, b| (&a.answering, &a.asked, &a.by.location).cmp(&(&b.answering, &b.asked, &b.by.location)));
        out
    }

    /// The requests that a place is an answer to: those whose handlers it lies in, or, where it lies in the
    /// continuation of a request, those whose handlers made that one.
    fn answering(&self, by: &Emission<'a>) -> BTreeSet<String> {
        let within = by.fact.and_then(|fact| fact.within.as_deref()).unwrap_or_default();
        let topics = match within.strip_prefix("outcome:") {
            None => self.triggers(by).unwrap_or_default(),
            Some(name) => self
                .emissions_by(by.plugin)
                .iter()
                .filter(|one| one.via == Via::Request)
                .filter(|one| one.fact.is_some_and(|fact| fact.detail.get("continue").is_some_and(|on| on == name)))
                .filter_map(|one| self.triggers(one))
                .flatten()
                .collect(),
        };
        let slug = by.slug;
        let answered = topics.into_iter().filter(|topic| self.is_request(topic) && self.responder(topic) == Some(slug));
        answered.map(str::to_owned).collect()
    }

    /// Groups of requests that wait for each other in a circle, each with the calls that make it.
    pub fn wait_cycles(&self) -> Vec<Vec<Wait<'_, 'a>>> {
        let waits = self.waits();
        let mut nodes: BTreeMap<&str, NodeIndex> = BTreeMap::new();
        let mut graph: DiGraph<&str, ()> = DiGraph::new();
        for wait in &waits {
            let ends = [wait.answering.as_str(), wait.asked.as_str()];
            let [from, to] = ends.map(|name| *nodes.entry(name).or_insert_with(|| graph.add_node(name)));
            graph.add_edge(from, to, ());
        }
        let groups = tarjan_scc(&graph).into_iter().enumerate();
        let group_of: BTreeMap<&str, usize> = groups
            .flat_map(|(at, group)| group.into_iter().map(move |node| (node, at)))
            .map(|(node, at)| (graph[node], at))
            .collect();
        // A single request that does not ask for itself has no call inside.
        let mut inside: BTreeMap<usize, Vec<Wait<'_, 'a>>> = BTreeMap::new();
        for wait in &waits {
            let group = group_of[wait.answering.as_str()];
            if group == group_of[wait.asked.as_str()] {
                inside.entry(group).or_default().push(wait.clone());
            }
        }
        let mut cycles: Vec<Vec<Wait<'_, 'a>>> = inside.into_values().collect();
        cycles.sort_by(|a, b| a[0].by.location.cmp(&b[0].by.location));
        cycles
    }
}
