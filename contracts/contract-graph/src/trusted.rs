//! What the analysis had to take at its word, for the daemon to hold the code to.

use crate::graph::Graph;
use crate::pattern::is_pattern;
use crate::suite::PluginView;
use contract_model::Location;
use contract_model::topic::pattern_matches;
use contract_parse::{Fact, FactKind, Provenance, TopicValue};
use serde::Serialize;
use std::collections::BTreeSet;

/// Which topics a plugin's code may publish or subscribe, as far as the analysis knows.
///
/// A topic that is neither `known` nor allowed by a use that was trusted contradicts what the checker assumed, unless
/// the plugin has calls of that kind of which nothing is known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Trusted {
    /// The plugin's slug.
    pub plugin: String,
    /// Topics that were read from the code, for each kind of call.
    pub known: BTreeSet<(FactKind, String)>,
    /// Calls whose topics the analysis took from an annotation, or from the values of a declared pattern.
    pub uses: Vec<TrustedUse>,
    /// Calls of which nothing is known and nothing was promised, by kind and place.
    pub unresolved: Vec<(FactKind, Location)>,
}

/// One call that is trusted to stay within these topics.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct TrustedUse {
    /// Publish, request or subscribe.
    pub kind: FactKind,
    /// The topics and patterns it promised to stay within.
    pub allowed: BTreeSet<String>,
    /// The call.
    pub location: Location,
    /// Whether an annotation promised it (`annotated`) or the manifest's pattern with values (`declared`).
    pub provenance: Provenance,
}

impl Trusted {
    /// Whether the analysis reckoned with this topic in calls of this kind.
    pub fn allows(&self, kind: FactKind, topic: &str) -> bool {
        let promised = |one: &TrustedUse| {
            one.kind == kind && one.allowed.iter().any(|allowed| allowed == topic || pattern_matches(allowed, topic))
        };
        self.known.contains(&(kind, topic.to_owned()))
            || self.uses.iter().any(promised)
            || self.unresolved.iter().any(|(open, _)| *open == kind)
    }
}

/// All that calls may name without contradicting what was assumed of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Promise {
    /// Topics and patterns, sorted.
    pub topics: BTreeSet<String>,
    /// The calls whose word was taken, sorted.
    pub places: Vec<Location>,
}

impl Trusted {
    /// What calls of these kinds promised to stay within, all of them together. None where no call's word was taken,
    /// or where there are calls of which nothing is known: then there is nothing to be held to.
    pub fn promise(&self, kinds: &[FactKind]) -> Option<Promise> {
        let uses: Vec<&TrustedUse> = self.uses.iter().filter(|one| kinds.contains(&one.kind)).collect();
        if uses.is_empty() || self.unresolved.iter().any(|(kind, _)| kinds.contains(kind)) {
            return None;
        }
        let known = self.known.iter().filter(|(kind, _)| kinds.contains(kind)).map(|(_, topic)| topic.clone());
        let allowed = uses.iter().flat_map(|one| one.allowed.iter().cloned());
        let mut places: Vec<Location> = uses.iter().map(|one| one.location.clone()).collect();
        places.sort();
        places.dedup();
        Some(Promise { topics: known.chain(allowed).collect(), places })
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
    trusted.uses.sort();
    trusted.uses.dedup();
    trusted.unresolved.sort();
    trusted
}

fn note(trusted: &mut Trusted, view: PluginView<'_>, fact: &Fact) {
    let Some(topic) = &fact.topic else { return };
    let trusts = |allowed: BTreeSet<String>, provenance| TrustedUse {
        kind: fact.kind,
        allowed,
        location: fact.location.clone(),
        provenance,
    };
    match (topic, fact.provenance) {
        (TopicValue::Exact(names), Provenance::Annotated) => {
            trusted.uses.push(trusts(names.clone(), Provenance::Annotated));
        }
        (TopicValue::Pattern(pattern), Provenance::Annotated) => {
            trusted.uses.push(trusts(BTreeSet::from([pattern.clone()]), Provenance::Annotated));
        }
        (TopicValue::Exact(names), _) => {
            trusted.known.extend(names.iter().map(|name| (fact.kind, name.clone())));
        }
        (TopicValue::Pattern(pattern), _) if fact.kind == FactKind::Subscribe => {
            trusted.known.insert((fact.kind, pattern.clone()));
        }
        (TopicValue::Pattern(pattern), _) => {
            let values = values(view, pattern);
            let allowed = if values.is_empty() { BTreeSet::from([pattern.clone()]) } else { values };
            trusted.uses.push(trusts(allowed, Provenance::Declared));
        }
        (TopicValue::Unknown(_), _) => trusted.unresolved.push((fact.kind, fact.location.clone())),
    }
}

/// The topics that the manifest lists for a family, as far as they fall under what the code can publish.
fn values(view: PluginView<'_>, pattern: &str) -> BTreeSet<String> {
    let entries = view.manifest().map(|manifest| manifest.publishes.as_slice()).unwrap_or_default();
    let names = entries.iter().flat_map(|entry| entry.value.names());
    names.filter(|name| !is_pattern(name) && pattern_matches(pattern, name)).map(str::to_owned).collect()
}
