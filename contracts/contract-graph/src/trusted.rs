//! What the analysis had to take at its word, for the daemon to hold the code to.

use crate::graph::Graph;
use crate::pattern::is_pattern;
use crate::suite::PluginView;
use contract_model::Location;
use contract_model::TextSet;
use contract_model::topic::pattern_matches;
use contract_parse::{Fact, FactKind, Provenance, TopicValue};
use serde::Serialize;

/// Which topics a plugin's code may publish or subscribe, as far as the analysis knows.
///
/// A topic that neither a known nor a trusted call allows contradicts what the checker assumed, unless
/// the plugin has calls of that kind of which nothing is known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Trusted {
    /// The plugin's slug.
    pub plugin: String,
    /// Calls whose topics were read from the code.
    pub known: Vec<TrustedUse>,
    /// Calls whose topics the analysis took from an annotation, or from the values of a declared pattern.
    pub uses: Vec<TrustedUse>,
    /// Calls of which nothing is known and nothing was promised, by kind and place.
    pub unresolved: Vec<(FactKind, Location)>,
}

/// One call that stays within these topics.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct TrustedUse {
    /// Publish, request or subscribe.
    pub kind: FactKind,
    /// The topics and patterns it stays within.
    pub allowed: TextSet,
    /// The call.
    pub location: Location,
    /// Whether the code says so itself (`extracted`), an annotation promised it (`annotated`) or the manifest's pattern
    /// with values (`declared`).
    pub provenance: Provenance,
}

impl Trusted {
    /// Whether the analysis reckoned with this topic in calls of this kind.
    pub fn allows(&self, kind: FactKind, topic: &str) -> bool {
        let reckoned = |one: &TrustedUse| {
            one.kind == kind && one.allowed.iter().any(|allowed| allowed == topic || pattern_matches(allowed, topic))
        };
        self.known.iter().chain(&self.uses).any(reckoned) || self.unresolved.iter().any(|(open, _)| *open == kind)
    }
}

/// What calls may name without contradicting what was assumed of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Promise {
    /// The calls whose topics are known or were promised, in the order of their places. Never without one that promised.
    pub calls: Vec<TrustedUse>,
    /// Whether there are further calls of which nothing is known. They are held to the manifest alone.
    pub open: bool,
}

impl TrustedUse {
    /// Whether its word was taken.
    pub fn is_trusted(&self) -> bool {
        self.provenance != Provenance::Extracted
    }
}

impl Trusted {
    /// What calls of these kinds are to stay within. None where no call's word was taken.
    pub fn promise(&self, kinds: &[FactKind]) -> Option<Promise> {
        let calls = self.known.iter().chain(&self.uses).filter(|one| kinds.contains(&one.kind));
        let mut calls: Vec<TrustedUse> = calls.cloned().collect();
        calls.sort_by(|a, b| (&a.location, a).cmp(&(&b.location, b)));
        let open = self.unresolved.iter().any(|(kind, _)| kinds.contains(kind));
        calls.iter().any(TrustedUse::is_trusted).then_some(Promise { calls, open })
    }
}

impl Graph<'_> {
    /// What was trusted of each plugin whose code was read, in the order of their folders.
    pub fn trusted(&self) -> Vec<Trusted> {
        self.plugins().filter(|view| view.has_code()).map(PluginView::trusted).collect()
    }
}

impl PluginView<'_> {
    /// What was trusted of this plugin.
    pub fn trusted(self) -> Trusted {
        of_plugin(self)
    }
}

fn of_plugin(view: PluginView<'_>) -> Trusted {
    let mut trusted = Trusted { plugin: view.slug().to_owned(), ..Trusted::default() };
    for kind in [FactKind::Publish, FactKind::Subscribe, FactKind::Request] {
        view.running(kind).for_each(|fact| note(&mut trusted, view, fact));
    }
    for calls in [&mut trusted.known, &mut trusted.uses] {
        calls.sort();
        calls.dedup();
    }
    trusted.unresolved.sort();
    trusted
}

fn note(trusted: &mut Trusted, view: PluginView<'_>, fact: &Fact) {
    let Some(topic) = &fact.topic else { return };
    let stays = |allowed: TextSet, provenance| TrustedUse {
        kind: fact.kind,
        allowed,
        location: fact.location.clone(),
        provenance,
    };
    let one = |pattern: &String| TextSet::one(pattern.clone());
    match (topic, fact.provenance) {
        (TopicValue::Exact(names), Provenance::Annotated) => {
            trusted.uses.push(stays(names.clone(), Provenance::Annotated));
        }
        (TopicValue::Pattern(pattern), Provenance::Annotated) => {
            trusted.uses.push(stays(one(pattern), Provenance::Annotated));
        }
        (TopicValue::Exact(names), _) => trusted.known.push(stays(names.clone(), Provenance::Extracted)),
        (TopicValue::Pattern(pattern), _) if fact.kind == FactKind::Subscribe => {
            trusted.known.push(stays(one(pattern), Provenance::Extracted));
        }
        (TopicValue::Pattern(pattern), _) => {
            let values = values(view, pattern);
            let allowed = if values.is_empty() { one(pattern) } else { values };
            trusted.uses.push(stays(allowed, Provenance::Declared));
        }
        (TopicValue::Unknown(_), _) => trusted.unresolved.push((fact.kind, fact.location.clone())),
    }
}

/// The topics that the manifest lists for a family, as far as they fall under what the code can publish.
fn values(view: PluginView<'_>, pattern: &str) -> TextSet {
    let entries = view.manifest().map(|manifest| manifest.publishes.as_slice()).unwrap_or_default();
    let names = entries.iter().flat_map(|entry| entry.value.names());
    names.filter(|name| !is_pattern(name) && pattern_matches(pattern, name)).map(str::to_owned).collect()
}
