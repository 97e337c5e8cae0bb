//! The wiring of a plugin in a lock: facts without places.

use super::FILE;
use contract_graph::PluginView;
use contract_model::Location;
use contract_model::topic::pattern_matches;
use contract_parse::{Fact, FactKind, Guard, Provenance, TopicValue};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What is known of a topic.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Topic {
    Exact(BTreeSet<String>),
    Pattern(String),
    Unknown(String),
}

/// The kinds of calls that publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Via {
    Publish,
    Request,
    Reply,
}

/// A place that publishes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Site {
    topic: Topic,
    via: Via,
    /// Whether the author vouches for the topic with `@topics`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    annotated: bool,
    /// The handler it stands in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    within: Option<String>,
    /// For a reply: `ok` or `error`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    outcome: Option<String>,
}

/// A place that subscribes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Subscription {
    topic: Topic,
    /// What its cursor goes by, where that is not the topic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    handler: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    /// The versions of the contract that the plugin understands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    range: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    optional: bool,
    /// The fields that the plugin reads of these payloads.
    reads: BTreeSet<String>,
}

/// The places of a plugin that publish, sorted, each kind once.
pub(super) fn sites(view: PluginView<'_>) -> Vec<Site> {
    let kinds = [(FactKind::Publish, Via::Publish), (FactKind::Request, Via::Request), (FactKind::Reply, Via::Reply)];
    let all: BTreeSet<Site> =
        kinds.into_iter().flat_map(|(kind, via)| view.running(kind).filter_map(move |fact| site(fact, via))).collect();
    all.into_iter().collect()
}

fn site(fact: &Fact, via: Via) -> Option<Site> {
    Some(Site {
        topic: Topic::of(fact.topic.as_ref()?),
        via,
        annotated: fact.provenance == Provenance::Annotated,
        within: fact.within.clone(),
        outcome: fact.detail.get("outcome").cloned(),
    })
}

/// The subscriptions of a plugin with the fields read, sorted.
pub(super) fn subscriptions(view: PluginView<'_>) -> Vec<Subscription> {
    let mut reads: BTreeMap<&TopicValue, BTreeSet<String>> = BTreeMap::new();
    for fact in view.running(FactKind::ReadsField) {
        if let (Some(topic), Some(field)) = (&fact.topic, fact.detail.get("field")) {
            reads.entry(topic).or_default().insert(field.clone());
        }
    }
    let all: BTreeSet<Subscription> =
        view.running(FactKind::Subscribe).filter_map(|fact| subscription(view, fact, &reads)).collect();
    all.into_iter().collect()
}

fn subscription(
    view: PluginView<'_>,
    fact: &Fact,
    reads: &BTreeMap<&TopicValue, BTreeSet<String>>,
) -> Option<Subscription> {
    let topic = fact.topic.as_ref()?;
    let name = match topic {
        TopicValue::Exact(names) => names.first().map(String::as_str),
        TopicValue::Pattern(pattern) => Some(pattern.as_str()),
        TopicValue::Unknown(_) => None,
    };
    let entries = view.manifest().map(|manifest| manifest.consumes.as_slice()).unwrap_or_default();
    let declared = name.and_then(|name| {
        let exact = entries.iter().find(|entry| entry.value.topic.as_str() == name);
        exact.or_else(|| entries.iter().find(|entry| pattern_matches(entry.value.topic.as_str(), name)))
    });
    Some(Subscription {
        topic: Topic::of(topic),
        handler: fact.handler.clone(),
        group: fact.options.get("group").cloned(),
        range: declared.and_then(|entry| entry.value.range.as_ref()).map(ToString::to_string),
        optional: declared.is_some_and(|entry| entry.value.optional),
        reads: reads.get(topic).cloned().unwrap_or_default(),
    })
}

impl Topic {
    fn of(value: &TopicValue) -> Self {
        match value {
            TopicValue::Exact(names) => Self::Exact(names.clone()),
            TopicValue::Pattern(pattern) => Self::Pattern(pattern.clone()),
            TopicValue::Unknown(why) => Self::Unknown(why.clone()),
        }
    }

    fn value(&self) -> TopicValue {
        match self.clone() {
            Self::Exact(names) => TopicValue::Exact(names),
            Self::Pattern(pattern) => TopicValue::Pattern(pattern),
            Self::Unknown(why) => TopicValue::Unknown(why),
        }
    }
}

impl Site {
    /// The topic and who vouches for it, where the analysis did not prove it.
    pub(super) fn trusted(&self) -> Option<(Topic, String)> {
        let by = match (&self.topic, self.annotated) {
            (_, true) => "annotated",
            (Topic::Pattern(_), false) => "declared",
            _ => return None,
        };
        Some((self.topic.clone(), by.to_owned()))
    }

    pub(super) fn fact(&self) -> Fact {
        let kind = match self.via {
            Via::Publish => FactKind::Publish,
            Via::Request => FactKind::Request,
            Via::Reply => FactKind::Reply,
        };
        let provenance = if self.annotated { Provenance::Annotated } else { Provenance::Extracted };
        let detail = self.outcome.iter().map(|outcome| ("outcome".to_owned(), outcome.clone())).collect();
        Fact { within: self.within.clone(), provenance, detail, ..bare(kind, &self.topic) }
    }
}

impl Subscription {
    /// The subscription and what it reads.
    pub(super) fn facts(&self) -> Vec<Fact> {
        let options = self.group.iter().map(|group| ("group".to_owned(), group.clone())).collect();
        let own = Fact { handler: self.handler.clone(), options, ..bare(FactKind::Subscribe, &self.topic) };
        let reads = self.reads.iter().map(|field| {
            let detail = BTreeMap::from([("field".to_owned(), field.clone())]);
            Fact { detail, ..bare(FactKind::ReadsField, &self.topic) }
        });
        std::iter::once(own).chain(reads).collect()
    }
}

fn bare(kind: FactKind, topic: &Topic) -> Fact {
    Fact {
        kind,
        topic: Some(topic.value()),
        location: Location::start_of(FILE),
        provenance: Provenance::Extracted,
        reachable: Some(true),
        guard: Guard::None,
        conditions: Vec::new(),
        handler: None,
        handler_code: None,
        options: BTreeMap::new(),
        late: None,
        result: contract_parse::ResultUse::default(),
        within: None,
        triggers: BTreeSet::new(),
        detail: BTreeMap::new(),
        payloads: Vec::new(),
        proved: None,
        evidence: Vec::new(),
    }
}
