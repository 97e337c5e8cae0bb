//! From a suite to its wiring as plain data, for drawing, tables and documents.

use checker_report::{Direction, Edge, PluginCard, TopicCard, Wired, Wiring};
use contract_graph::{Graph, Owned, PluginView, Suite, Verdict, is_pattern};
use contract_model::Location;
use contract_model::manifest::{Manifest, TopicKind, Visibility};
use contract_parse::{Fact, FactKind};
use std::collections::{BTreeMap, BTreeSet};

type Edges = BTreeMap<(String, Direction, String), (bool, BTreeSet<Location>)>;

/// The wiring of all plugins of a suite together.
pub fn wiring(suite: &Suite) -> Wiring {
    wiring_of(&Graph::whole(suite))
}

/// The wiring of the plugins of a graph.
pub(crate) fn wiring_of(graph: &Graph<'_>) -> Wiring {
    let edges = edges(graph);
    let owned = graph.topics().into_iter().map(|topic| topic.name);
    let names: BTreeSet<String> = edges.iter().map(|edge| edge.topic.clone()).chain(owned).collect();
    let mut plugins: Vec<PluginCard> = graph.plugins().map(plugin_card).collect();
    plugins.sort_by(|a, b| a.slug.cmp(&b.slug));
    let replies = replies(graph);
    let topics = names.into_iter().map(|name| topic_card(graph, &replies, name)).collect();
    Wiring { name: graph.suite().manifest.name.clone(), plugins, topics, edges }
}

fn edges(graph: &Graph<'_>) -> Vec<Edge> {
    let mut all = Edges::new();
    for emission in graph.emissions() {
        for topic in emission.reach.patterns() {
            let firm = emission.reach.is_sure();
            add(&mut all, emission.slug, Direction::Publishes, topic.to_owned(), firm, [emission.location.clone()]);
        }
    }
    for consumer in graph.consumers() {
        let places = consumer.sites.iter().map(|site| site.location.clone()).chain([consumer.location.clone()]);
        let (topic, firm) = (consumer.topic.clone(), !consumer.is_optional());
        add(&mut all, consumer.slug, Direction::Consumes, topic, firm, places);
    }
    let edge = |((plugin, direction, topic), (firm, places)): (_, (bool, BTreeSet<Location>))| Edge {
        plugin,
        direction,
        topic,
        firm,
        places: places.into_iter().collect(),
    };
    all.into_iter().map(edge).collect()
}

/// One place for certain makes an edge firm.
fn add(
    all: &mut Edges,
    plugin: &str,
    direction: Direction,
    topic: String,
    firm: bool,
    places: impl IntoIterator<Item = Location>,
) {
    let edge = all.entry((plugin.to_owned(), direction, topic)).or_default();
    edge.0 |= firm;
    edge.1.extend(places);
}

fn topic_card(graph: &Graph<'_>, replies: &BTreeSet<&str>, name: String) -> TopicCard {
    let external = graph.suite().external(&name).map(|external| external.reason.clone());
    let verdict = verdict(graph, replies, &name);
    let Some(owned) = graph.contract(&name) else {
        return TopicCard { name, external, verdict, ..TopicCard::default() };
    };
    let contract = owned.contract;
    let replies = contract.replies.iter().flat_map(|replies| {
        std::iter::once(replies.ok.value.to_string()).chain(replies.error.as_ref().map(|one| one.value.to_string()))
    });
    TopicCard {
        owner: Some(owned.plugin.slug().to_owned()),
        kind: Some(kind(contract.kind)),
        version: contract.version.as_ref().map(ToString::to_string),
        visibility: Some(visibility(contract.visibility)),
        schema: schema(owned),
        key: contract.key.as_ref().map(|key| key.value.clone()),
        replies: replies.collect(),
        deprecated: contract
            .deprecated
            .as_ref()
            .map(|gone| gone.instead.as_ref().map(ToString::to_string).unwrap_or_default()),
        name,
        external,
        verdict,
    }
}

/// What is proved of a topic. A request that nobody makes today is an offer, and a reply is heard by who asked.
fn verdict(graph: &Graph<'_>, replies: &BTreeSet<&str>, name: &str) -> Wired {
    let leaves = graph.contract(name).is_some_and(|owned| owned.contract.visibility == Visibility::Public);
    let heard = graph.is_heard(name);
    match graph.verdict(name) {
        _ if graph.is_request(name) || replies.contains(name) => Wired::Live,
        Verdict::Live if heard || leaves => Wired::Live,
        Verdict::Unproven { .. } if heard => Wired::Unproven,
        _ if is_pattern(name) && !heard => Wired::Unproven,
        Verdict::Dangling if heard => Wired::Dangling,
        _ => Wired::Unheard,
    }
}

/// Every topic that some request names as its reply.
fn replies<'a>(graph: &Graph<'a>) -> BTreeSet<&'a str> {
    let manifests = graph.plugins().filter_map(PluginView::manifest);
    let replies = manifests.flat_map(|manifest| manifest.topics.values()).filter_map(|one| one.replies.as_ref());
    let names = replies.flat_map(|replies| [Some(&replies.ok), replies.error.as_ref()]).flatten();
    names.map(|name| name.value.as_str()).collect()
}

/// The schema of a topic's payload, where it can be read.
fn schema(owned: Owned<'_>) -> Option<serde_json::Value> {
    let path = &owned.contract.schema.as_ref()?.value;
    serde_json::from_str(owned.plugin.parsed.texts.get(path)?).ok()
}

fn plugin_card(view: PluginView<'_>) -> PluginCard {
    let entrances = view.parsed.facts.iter().filter(|fact| fact.reachable != Some(false)).filter_map(entrance);
    let card = PluginCard { slug: view.slug().to_owned(), entrances: entrances.collect(), ..PluginCard::default() };
    view.manifest().map_or(card.clone(), |manifest| declared(manifest, card))
}

fn declared(manifest: &Manifest, card: PluginCard) -> PluginCard {
    let used = |used: &contract_model::manifest::Used| {
        let range = used.range.as_ref().map(|range| format!(" {range}")).unwrap_or_default();
        let optional = if used.optional { " (optional)" } else { "" };
        format!("{}{range}{optional}", used.name)
    };
    let allowance = |entry: &contract_model::manifest::Allowance| {
        let about = entry.topic.as_ref().map(|topic| format!(" {}", topic.value)).unwrap_or_default();
        format!("{}{about}: {}", entry.rule.value, entry.reason.as_deref().unwrap_or("no reason given"))
    };
    PluginCard {
        name: manifest.name.clone(),
        version: Some(manifest.version.value.to_string()),
        about: manifest.about.iter().map(|(key, text)| (key.clone(), text.clone())).collect(),
        requires: manifest.requires.iter().map(|(slug, range)| (slug.clone(), range.value.to_string())).collect(),
        provides: manifest.provides.iter().map(|one| (one.value.name.clone(), one.value.version.to_string())).collect(),
        uses: manifest.uses.iter().map(|one| used(&one.value)).collect(),
        allowances: manifest.allow.iter().map(|entry| allowance(&entry.value)).collect(),
        ..card
    }
}

/// What starts work in a plugin, besides events.
fn entrance(fact: &Fact) -> Option<String> {
    let detail = |name: &str| fact.detail.get(name).map_or("?", String::as_str);
    match (fact.kind, detail("api")) {
        (FactKind::Verb, _) => Some(format!("{} {}", detail("method"), detail("path"))),
        (FactKind::Job, api @ ("register" | "cron")) => {
            Some(format!("{} {}", if api == "cron" { "cron" } else { "job" }, detail("name")))
        }
        (FactKind::Record, _) => {
            Some(format!("{} {} of {}", detail("when"), detail("operation"), detail("collection")))
        }
        _ => None,
    }
}

pub(crate) fn kind(kind: TopicKind) -> &'static str {
    match kind {
        TopicKind::Event => "event",
        TopicKind::Request => "request",
        TopicKind::Reply => "reply",
    }
}

pub(crate) fn visibility(visibility: Visibility) -> &'static str {
    match visibility {
        Visibility::Private => "private",
        Visibility::Suite => "suite",
        Visibility::Public => "public",
    }
}
