//! The wiring of a plugin in a lock: facts without places.

use super::FILE;
use contract_graph::PluginView;
use contract_model::topic::pattern_matches;
use contract_model::{Location, TextSet};
use contract_parse::{Ending, EndingPath, Fact, FactKind, Guard, Opaque, Provenance, TopicValue};
use litemap::LiteMap;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What a fact says of an option that the call does not give.
const ABSENT: &str = "absent";

/// What is known of a topic.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Topic {
    Exact(TextSet),
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
    /// Whether a condition or a loop stands before it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    conditional: bool,
    /// The handler it stands in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    within: Option<String>,
    /// For a reply: `ok` or `error`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    outcome: Option<String>,
    /// For a request: whether the call names no timeout.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    endless: bool,
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
}

/// A field that handlers read. It is apart from the subscriptions, as one handler may serve several.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Read {
    topic: Topic,
    /// A JSON pointer in which `*` is any item of a list.
    path: String,
    /// Only gone through, so that its parts say what is read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    through: bool,
    /// Read as what may be absent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    tolerant: bool,
    /// Perhaps read of something else.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    uncertain: bool,
}

/// A part of a payload that goes where it is not followed: anything below it may be read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Hidden {
    topic: Topic,
    /// A JSON pointer; empty for the whole payload.
    path: String,
    /// What happens there.
    why: String,
}

/// How a handler ends. Whether it answers a request is only known beside the request's contract.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Answering {
    topic: Topic,
    /// Whether any path answers.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    some: bool,
    /// Whether every path does.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    all: bool,
}

/// How the handlers of a plugin end, sorted. Not those of `events`, which nobody answers.
pub(super) fn answers(view: PluginView<'_>, events: &BTreeSet<&str>) -> BTreeSet<Answering> {
    let one = |ending: &Ending| Answering {
        topic: Topic::of(&ending.topic),
        some: ending.answers,
        all: ending.answers && ending.open.is_empty(),
    };
    let is_event = |ending: &&Ending| match &ending.topic {
        TopicValue::Exact(names) => names.iter().all(|name| events.contains(name.as_str())),
        _ => false,
    };
    view.parsed.endings.iter().filter(|ending| !is_event(ending)).map(one).collect()
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
        conditional: fact.guard != Guard::None,
        within: fact.within.clone(),
        outcome: fact.detail.get("outcome").cloned(),
        endless: fact.detail.get("timeout").is_some_and(|timeout| timeout == ABSENT),
    })
}

/// The fields that a plugin's handlers read, sorted.
pub(super) fn reads(view: PluginView<'_>) -> BTreeSet<Read> {
    view.running(FactKind::ReadsField).filter_map(read).collect()
}

fn read(fact: &Fact) -> Option<Read> {
    let is = |name: &str| fact.detail.contains_key(name);
    Some(Read {
        topic: Topic::of(fact.topic.as_ref()?),
        path: fact.detail.get("path")?.clone(),
        through: is("through"),
        tolerant: is("tolerant"),
        uncertain: is("certain"),
    })
}

/// Where payloads get out of sight, sorted.
pub(super) fn hidden(view: PluginView<'_>) -> BTreeSet<Hidden> {
    let hidden = |one: &Opaque| Hidden { topic: Topic::of(&one.topic), path: one.path.clone(), why: one.why.clone() };
    view.parsed.opaque.iter().map(hidden).collect()
}

/// The subscriptions of a plugin, sorted.
pub(super) fn subscriptions(view: PluginView<'_>) -> Vec<Subscription> {
    let all: BTreeSet<Subscription> =
        view.running(FactKind::Subscribe).filter_map(|fact| subscription(view, fact)).collect();
    all.into_iter().collect()
}

fn subscription(view: PluginView<'_>, fact: &Fact) -> Option<Subscription> {
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
        let outcome = self.outcome.iter().map(|outcome| ("outcome".to_owned(), outcome.clone()));
        let timeout = self.endless.then(|| ("timeout".to_owned(), ABSENT.to_owned()));
        let detail = outcome.chain(timeout).collect();
        let guard = if self.conditional { Guard::Branch } else { Guard::None };
        Fact { within: self.within.clone(), provenance, guard, detail, ..bare(kind, &self.topic) }
    }
}

impl Subscription {
    pub(super) fn fact(&self) -> Fact {
        let options = self.group.iter().map(|group| ("group".to_owned(), group.clone())).collect();
        Fact { handler: self.handler.clone(), options, ..bare(FactKind::Subscribe, &self.topic) }
    }
}

impl Answering {
    pub(super) fn ending(&self) -> Ending {
        let location = Location::start_of(FILE);
        let open = EndingPath { location: location.clone(), returns: false, steps: Vec::new() };
        let open = if self.all { Vec::new() } else { vec![open] };
        Ending { topic: self.topic.value(), location, answers: self.some, open }
    }
}

impl Read {
    pub(super) fn fact(&self) -> Fact {
        let flags = [
            ("through", self.through, "true"),
            ("tolerant", self.tolerant, "true"),
            ("certain", self.uncertain, "false"),
        ];
        let flags = flags.into_iter().filter(|(_, set, _)| *set).map(|(name, _, value)| (name, value));
        let detail = flags.chain([("path", self.path.as_str())]);
        let detail = detail.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Fact { detail, ..bare(FactKind::ReadsField, &self.topic) }
    }
}

impl Hidden {
    pub(super) fn opaque(&self) -> Opaque {
        let Self { topic, path, why } = self;
        Opaque { topic: topic.value(), path: path.clone(), location: Location::start_of(FILE), why: why.clone() }
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
        options: LiteMap::new(),
        late: None,
        result: contract_parse::ResultUse::default(),
        within: None,
        triggers: TextSet::default(),
        detail: LiteMap::new(),
        payloads: Vec::new(),
        proved: None,
        evidence: Vec::new(),
    }
}
