//! Everything in a plugin that puts events on the bus.

use crate::owners::Owners;
use crate::pattern::overlap;
use crate::suite::{PluginView, can_run};
use contract_model::TextSet;
use contract_model::manifest::{Publishes, Replies};
use contract_model::span::Location;
use contract_model::topic::pattern_matches;
use contract_parse::{Fact, FactKind, Provenance, TopicValue};

/// One place that publishes.
#[derive(Debug, Clone)]
pub struct Emission<'a> {
    /// Index of the plugin in the suite.
    pub plugin: usize,
    /// Its slug.
    pub slug: &'a str,
    /// Which topics it may publish.
    pub reach: Reach,
    /// What kind of call it is.
    pub via: Via,
    /// How it is known.
    pub provenance: Provenance,
    /// Where it stands: the call, or the manifest's entry for code that cannot be read.
    pub location: Location,
    /// The fact behind it, where there is one.
    pub fact: Option<&'a Fact>,
}

/// The topics an emission may publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// Each of these, for certain.
    Exact(TextSet),
    /// Whatever of this pattern the author vouches for with `@topics`; keeps its consumers live.
    Vouched(TextSet),
    /// Something under this pattern, it is not known what.
    Pattern(String),
    /// Anything at all.
    Unknown,
}

/// The kinds of calls that publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Via {
    /// `$app.realtime().publish`.
    Publish,
    /// `$app.request`.
    Request,
    /// `e.reply` or `e.reject`.
    Reply,
    /// The manifest of a plugin whose code cannot be read.
    Declared,
    /// A plugin whose manifest cannot be read, or not all of it: it may publish whatever nobody else has for himself.
    Unread,
}

impl Reach {
    /// Whether this topic is published for certain.
    pub fn surely(&self, topic: &str) -> bool {
        match self {
            Self::Exact(names) => names.contains(topic),
            Self::Vouched(patterns) => patterns.iter().any(|pattern| pattern_matches(pattern, topic)),
            Self::Pattern(_) | Self::Unknown => false,
        }
    }

    /// Whether something under this pattern is published for certain.
    pub fn surely_under(&self, pattern: &str) -> bool {
        match self {
            Self::Exact(names) => names.iter().any(|name| pattern_matches(pattern, name)),
            Self::Vouched(vouched) => vouched.iter().any(|one| overlap(one, pattern)),
            Self::Pattern(_) | Self::Unknown => false,
        }
    }

    /// Whether what is published is known, or vouched for.
    pub fn is_sure(&self) -> bool {
        matches!(self, Self::Exact(_) | Self::Vouched(_))
    }

    /// Whether something under this topic or pattern may be published, for all that is known.
    pub fn maybe(&self, pattern: &str) -> bool {
        match self {
            Self::Pattern(own) => overlap(own, pattern),
            Self::Unknown => true,
            Self::Exact(_) | Self::Vouched(_) => self.surely_under(pattern),
        }
    }

    /// The topics and patterns it may publish; `**` where nothing is known.
    pub fn patterns(&self) -> impl Iterator<Item = &str> {
        let (many, one) = match self {
            Self::Exact(names) | Self::Vouched(names) => (Some(names), None),
            Self::Pattern(pattern) => (None, Some(pattern.as_str())),
            Self::Unknown => (None, Some("**")),
        };
        many.into_iter().flatten().map(String::as_str).chain(one)
    }

    fn of(fact: &Fact) -> Option<Self> {
        let vouched = fact.provenance == Provenance::Annotated;
        Some(match fact.topic.as_ref()? {
            TopicValue::Exact(names) if vouched => Self::Vouched(names.clone()),
            TopicValue::Exact(names) => Self::Exact(names.clone()),
            TopicValue::Pattern(pattern) if vouched => Self::Vouched(TextSet::one(pattern.clone())),
            TopicValue::Pattern(pattern) => Self::Pattern(pattern.clone()),
            TopicValue::Unknown(_) => Self::Unknown,
        })
    }
}

/// All emissions of one plugin, in the order of their places.
pub(crate) fn emissions_of<'a>(view: PluginView<'a>, owners: &Owners<'a>) -> Vec<Emission<'a>> {
    if view.is_unread() {
        return vec![unread(view)];
    }
    let mut all: Vec<Emission<'a>> =
        view.parsed.facts.iter().filter_map(|fact| from_fact(view, owners, fact)).collect();
    if !view.has_code() || !view.is_complete() {
        all.extend(declared(view));
    }
    all.extend(view.is_unsure().then(|| unread(view)));
    all.sort_by(|a, b| a.location.cmp(&b.location));
    all
}

fn unread(view: PluginView<'_>) -> Emission<'_> {
    Emission {
        plugin: view.index,
        slug: view.slug(),
        reach: Reach::Unknown,
        via: Via::Unread,
        provenance: Provenance::Declared,
        location: view.top(),
        fact: None,
    }
}

fn from_fact<'a>(view: PluginView<'a>, owners: &Owners<'a>, fact: &'a Fact) -> Option<Emission<'a>> {
    let (via, reach) = match fact.kind {
        FactKind::Publish => (Via::Publish, Reach::of(fact)?),
        FactKind::Request => (Via::Request, Reach::of(fact)?),
        FactKind::Reply => (Via::Reply, replied(fact, owners)?),
        _ => return None,
    };
    can_run(fact).then(|| Emission {
        plugin: view.index,
        slug: view.slug(),
        reach,
        via,
        provenance: fact.provenance,
        location: fact.location.clone(),
        fact: Some(fact),
    })
}

/// The topics that a reply to a request publishes: its ok or its error topic.
fn replied(fact: &Fact, owners: &Owners<'_>) -> Option<Reach> {
    let TopicValue::Exact(requests) = fact.topic.as_ref()? else { return Reach::of(fact) };
    let outcome = fact.detail.get("outcome").map(String::as_str);
    let replies = requests.iter().filter_map(|request| owners.get(request.as_str())?.contract.replies.as_ref());
    Some(Reach::Exact(replies.flat_map(|replies| reply_topics(replies, outcome)).collect()))
}

/// `outcome` is `ok` or `error`; both topics where it is not known.
fn reply_topics(replies: &Replies, outcome: Option<&str>) -> Vec<String> {
    let ok = (outcome != Some("error")).then(|| replies.ok.value.to_string());
    let error = replies.error.as_ref().filter(|_| outcome != Some("ok")).map(|error| error.value.to_string());
    ok.into_iter().chain(error).collect()
}

/// A sidecar or native plugin is taken at its word. Of a plugin whose modules could not all be read, the manifest's
/// word only keeps the verdict open: the publishing call may stand in the module that cannot be read.
fn declared(view: PluginView<'_>) -> Vec<Emission<'_>> {
    let entries = view.manifest().map(|manifest| manifest.publishes.as_slice()).unwrap_or_default();
    let certain = !view.has_code();
    let emission = |reach, span| Emission {
        plugin: view.index,
        slug: view.slug(),
        reach,
        via: Via::Declared,
        provenance: Provenance::Declared,
        location: view.at(span),
        fact: None,
    };
    entries
        .iter()
        .flat_map(|entry| {
            let names = declared_names(&entry.value);
            let reaches: Vec<Reach> =
                if certain { vec![Reach::Vouched(names)] } else { names.iter().cloned().map(Reach::Pattern).collect() };
            reaches.into_iter().map(move |reach| (reach, entry.span))
        })
        .map(|(reach, span)| emission(reach, span))
        .collect()
}

fn declared_names(entry: &Publishes) -> TextSet {
    if entry.values.is_empty() {
        TextSet::one(entry.topic.to_string())
    } else {
        entry.values.iter().map(ToString::to_string).collect()
    }
}
