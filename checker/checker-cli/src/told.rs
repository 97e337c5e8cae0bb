//! What there is to tell of a topic.

mod words;

pub(crate) use words::in_words;

use crate::wiring::{kind, visibility};
use checker_rules::nearest;
use contract_graph::{Composition, Emission, Graph, Owned, PluginView, Suite, Verdict, Via};
use contract_model::suite::External;
use contract_model::{Location, TopicName};
use serde::Serialize;

/// One topic, from all sides.
#[derive(Serialize)]
pub(crate) struct Told {
    topic: String,
    contract: Option<Contract>,
    external: Option<Outside>,
    publishers: Vec<Publisher>,
    consumers: Vec<Consumer>,
    /// Whether anybody owns, publishes or consumes just this, or the suite names it external.
    named: bool,
    /// Where nobody names it: a topic that somebody names and that is spelt nearly so.
    meant: Option<String>,
    verdicts: Vec<Judged>,
}

#[derive(Serialize)]
struct Contract {
    plugin: String,
    kind: &'static str,
    visibility: &'static str,
    location: Location,
}

#[derive(Serialize)]
struct Outside {
    topic: String,
    reason: String,
}

#[derive(Serialize)]
struct Publisher {
    plugin: String,
    /// Whether it surely publishes just this topic.
    sure: bool,
    /// Whether its manifest cannot be read, so that it may publish anything.
    unread: bool,
    location: Location,
    evidence: Vec<String>,
}

#[derive(Serialize)]
struct Consumer {
    plugin: String,
    /// The topic or pattern that it subscribes.
    topic: String,
    optional: bool,
    location: Location,
}

/// The verdict in one composition; all plugins together have no name.
#[derive(Serialize)]
struct Judged {
    composition: Option<String>,
    verdict: Life,
    /// The calls that are not resolved and may publish it.
    unresolved: usize,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
enum Life {
    Live,
    /// Published, but by nothing that what enters the suite leads to.
    Unreached,
    Dangling,
    Unproven,
}

impl Told {
    pub(crate) fn of(graph: &Graph<'_>, topic: &str) -> Self {
        let named = is_named(graph, topic);
        let published = graph.emissions().filter(|emission| emission.reach.maybe(topic));
        let meant = if named { None } else { nearest(topic, names(graph)).map(str::to_owned) };
        Self {
            topic: topic.to_owned(),
            contract: graph.contract(topic).map(contract),
            external: graph.suite().external(topic).map(outside),
            publishers: published.map(|emission| publisher(emission, topic)).collect(),
            consumers: graph.consumers_of(topic).map(consumer).collect(),
            named,
            meant,
            verdicts: verdicts(graph.suite(), topic),
        }
    }
}

fn contract(owned: Owned<'_>) -> Contract {
    let (kind, visibility) = (kind(owned.contract.kind), visibility(owned.contract.visibility));
    let location = owned.plugin.at(owned.contract.name.span);
    Contract { plugin: owned.plugin.slug().to_owned(), kind, visibility, location }
}

fn outside(external: &External) -> Outside {
    Outside { topic: external.topic.to_string(), reason: external.reason.clone() }
}

fn publisher(emission: &Emission<'_>, topic: &str) -> Publisher {
    Publisher {
        plugin: emission.slug.to_owned(),
        sure: emission.reach.surely(topic),
        unread: emission.via == Via::Unread,
        location: emission.location.clone(),
        evidence: emission.fact.iter().flat_map(|fact| fact.evidence.clone()).collect(),
    }
}

fn consumer(one: &contract_graph::Consumer<'_>) -> Consumer {
    let (plugin, topic) = (one.slug.to_owned(), one.topic.clone());
    Consumer { plugin, topic, optional: one.is_optional(), location: one.location.clone() }
}

fn verdicts(suite: &Suite, topic: &str) -> Vec<Judged> {
    let judge = |composition| {
        let graph = Graph::build(suite, composition);
        let (verdict, unresolved) = match graph.verdict(topic) {
            Verdict::Live if graph.happening().contains(topic) || graph.enters_from_outside(topic) => (Life::Live, 0),
            Verdict::Live => (Life::Unreached, 0),
            Verdict::Dangling => (Life::Dangling, 0),
            Verdict::Unproven { blocking, further } => (Life::Unproven, blocking.len() + further),
        };
        Judged { composition: graph.composition().name.clone(), verdict, unresolved }
    };
    Composition::all(suite).into_iter().map(judge).collect()
}

fn is_named(graph: &Graph<'_>, topic: &str) -> bool {
    graph.contract(topic).is_some() || graph.suite().external(topic).is_some() || names(graph).any(|name| name == topic)
}

/// Every topic and pattern that somebody of the suite names.
pub(crate) fn names<'g>(graph: &'g Graph<'_>) -> impl Iterator<Item = &'g str> {
    let external = graph.suite().manifest.external.iter().map(|entry| entry.value.topic.as_str());
    let manifests = graph.plugins().filter_map(PluginView::manifest);
    let owned = manifests.flat_map(|manifest| manifest.topics.keys()).map(TopicName::as_str);
    let published = graph.emissions().filter(|emission| emission.reach.is_sure());
    let published = published.flat_map(|emission| emission.reach.patterns());
    external.chain(owned).chain(published).chain(graph.consumers().map(|consumer| consumer.topic.as_str()))
}
