//! What `diff` says, before it is written down.

use checker_report::RolloutStep;
use contract_graph::evolution::{Payloads, TopicChange};
use contract_graph::{Evolution, Graph, PluginView};
use contract_model::manifest::TopicKind;
use contract_schema::ChangeKind;
use serde::Serialize;
use std::collections::BTreeSet;

#[derive(Serialize)]
pub(super) struct Diff {
    schema: &'static str,
    pub(super) plugins: Vec<PluginLine>,
    pub(super) topics: Vec<TopicLine>,
    pub(super) publishers: Edges,
    pub(super) consumers: Edges,
    pub(super) rollout: Vec<RolloutStep>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum What {
    Added,
    Removed,
    Renamed,
    Changed,
}

/// A plugin that came, went or has another version.
#[derive(Serialize)]
pub(super) struct PluginLine {
    pub(super) plugin: String,
    pub(super) change: What,
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
}

#[derive(Serialize)]
pub(super) struct TopicLine {
    pub(super) topic: String,
    pub(super) change: What,
    pub(super) renamed_to: Option<String>,
    pub(super) owner: Option<String>,
    pub(super) kind: Option<&'static str>,
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
    pub(super) compatibility: &'static str,
    /// Whether its schema is another.
    #[serde(skip)]
    pub(super) has_other_payloads: bool,
    /// Whether what was valid still is.
    pub(super) backward: &'static str,
    /// Whether what is valid now was so before.
    pub(super) forward: &'static str,
    pub(super) changes: Vec<ChangeLine>,
}

#[derive(Serialize)]
pub(super) struct ChangeLine {
    /// A JSON pointer into the payload, or the manifest's key.
    pub(super) at: String,
    pub(super) kind: &'static str,
    pub(super) message: String,
    pub(super) backward: &'static str,
    pub(super) forward: &'static str,
    /// The plugins that read it.
    pub(super) read_by: BTreeSet<String>,
}

/// Edges of the graph between plugins and topics.
#[derive(Serialize)]
pub(super) struct Edges {
    pub(super) added: BTreeSet<Edge>,
    pub(super) removed: BTreeSet<Edge>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct Edge {
    pub(super) plugin: String,
    pub(super) topic: String,
}

impl Diff {
    pub(super) fn of(evolution: &Evolution<'_>) -> Self {
        let steps = evolution.rollout().map(|rollout| rollout.steps).unwrap_or_default();
        let rollout = steps.into_iter().map(|step| RolloutStep { plugins: step.plugins, because: step.because });
        let shown = evolution.topics.iter().filter(|topic| topic.renamed_from.is_none());
        Self {
            schema: "trunkline.diff/1",
            plugins: plugins(evolution),
            topics: shown.map(|change| topic(evolution, change)).collect(),
            publishers: Edges::between(publishing(&evolution.before), &publishing(&evolution.after)),
            consumers: Edges::between(consuming(&evolution.before), &consuming(&evolution.after)),
            rollout: rollout.collect(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        let edges = [&self.publishers, &self.consumers];
        let same = edges.iter().all(|edges| edges.added.is_empty() && edges.removed.is_empty());
        same && self.plugins.is_empty() && self.topics.is_empty()
    }
}

fn plugins(evolution: &Evolution<'_>) -> Vec<PluginLine> {
    let slugs: BTreeSet<&str> =
        [&evolution.before, &evolution.after].into_iter().flat_map(Graph::plugins).map(PluginView::slug).collect();
    let version = |graph: &Graph<'_>, slug: &str| {
        let view = graph.suite().plugin(slug)?;
        let read = view.manifest().filter(|manifest| manifest.knows("version"));
        Some(read.map_or("unreadable".to_owned(), |manifest| manifest.version.value.to_string()))
    };
    let all = slugs.into_iter().map(|slug| {
        let (before, after) = (version(&evolution.before, slug), version(&evolution.after, slug));
        let change = match (&before, &after) {
            (None, _) => What::Added,
            (_, None) => What::Removed,
            _ => What::Changed,
        };
        PluginLine { plugin: slug.to_owned(), change, before, after }
    });
    all.filter(|plugin| plugin.before != plugin.after).collect()
}

fn topic(evolution: &Evolution<'_>, topic: &TopicChange<'_>) -> TopicLine {
    let change = match (&topic.renamed_to, topic.is_added(), topic.is_removed()) {
        (Some(_), ..) => What::Renamed,
        (_, true, _) => What::Added,
        (_, _, true) => What::Removed,
        _ => What::Changed,
    };
    let renamed = topic.renamed_to.as_deref().and_then(|name| evolution.topic(name));
    let after = topic.after.or(renamed.and_then(|renamed| renamed.after));
    let contract = after.or(topic.before);
    let version = |owned: Option<contract_graph::Owned<'_>>| Some(owned?.contract.version.as_ref()?.to_string());
    TopicLine {
        topic: topic.name.clone(),
        change,
        renamed_to: topic.renamed_to.clone(),
        owner: contract.map(|owned| owned.plugin.slug().to_owned()),
        kind: contract.map(|owned| kind(owned.contract.kind)),
        before: version(topic.before),
        after: version(after),
        compatibility: topic.mode().as_str(),
        has_other_payloads: !matches!(topic.payloads, Payloads::Same),
        backward: topic.payloads.backward().as_str(),
        forward: topic.payloads.forward().as_str(),
        changes: changes(evolution, topic),
    }
}

fn changes(evolution: &Evolution<'_>, topic: &TopicChange<'_>) -> Vec<ChangeLine> {
    let of_contract = topic.contract.iter().map(|change| {
        let verdict = if change.breaking { "incompatible" } else { "compatible" };
        let message = change.message.clone();
        let at = change.key.to_owned();
        ChangeLine { at, kind: "contract", message, backward: verdict, forward: verdict, read_by: BTreeSet::new() }
    });
    let found = match &topic.payloads {
        Payloads::Compared(found) => found.changes.as_slice(),
        Payloads::Same | Payloads::Unreadable { .. } => &[],
    };
    let readers = evolution.after.readers(&topic.name);
    let of_payload = found.iter().filter(|change| change.kind != ChangeKind::AnnotationChanged).map(|change| {
        let reads = readers.iter().filter(|reader| reader.reads.touched_by(change).is_some());
        ChangeLine {
            at: change.path.clone(),
            kind: change.kind.as_str(),
            message: change.message.clone(),
            backward: change.backward.as_str(),
            forward: change.forward.as_str(),
            read_by: reads.map(|reader| reader.plugin.slug().to_owned()).collect(),
        }
    });
    of_contract.chain(of_payload).collect()
}

fn kind(kind: TopicKind) -> &'static str {
    match kind {
        TopicKind::Event => "event",
        TopicKind::Request => "request",
        TopicKind::Reply => "reply",
    }
}

impl Edges {
    fn between(before: BTreeSet<Edge>, after: &BTreeSet<Edge>) -> Self {
        let added = after.difference(&before).cloned().collect();
        Self { added, removed: before.into_iter().filter(|edge| !after.contains(edge)).collect() }
    }
}

fn publishing(graph: &Graph<'_>) -> BTreeSet<Edge> {
    let topics: BTreeSet<String> = graph.topics().into_iter().map(|topic| topic.name).collect();
    let of = |topic: String| {
        let plugins = graph.publishers(&topic);
        plugins.into_iter().map(|plugin| Edge { plugin: plugin.to_owned(), topic: topic.clone() }).collect::<Vec<_>>()
    };
    topics.into_iter().flat_map(of).collect()
}

fn consuming(graph: &Graph<'_>) -> BTreeSet<Edge> {
    graph.consumers().map(|one| Edge { plugin: one.slug.to_owned(), topic: one.topic.clone() }).collect()
}
