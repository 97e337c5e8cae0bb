//! Capabilities as manifests list them, and as code provides and uses them.

use contract_graph::PluginView;
use contract_model::span::Span;
use contract_parse::{Fact, FactKind};

/// One of the two sides of a capability.
pub(crate) struct Direction {
    /// What the plugin does, in a sentence.
    pub(crate) verb: &'static str,
    /// Where plugin.yaml lists it.
    pub(crate) key: &'static str,
    /// How an entry is written there.
    pub(crate) entry: fn(&str) -> String,
    /// The method of `$app`.
    api: &'static str,
}

pub(crate) const PROVIDES: Direction = Direction {
    verb: "provides",
    key: "capabilities.provides",
    entry: |name| format!("`{{name: {name}, version: 1.0.0}}`"),
    api: "provide",
};

pub(crate) const CONSUMES: Direction = Direction {
    verb: "uses",
    key: "capabilities.consumes",
    entry: |name| format!("`{{name: {name}}}`"),
    api: "capability",
};

impl Direction {
    /// What the manifest lists, with the places.
    pub(crate) fn declared<'a>(&self, view: PluginView<'a>) -> Vec<(&'a str, Span)> {
        let Some(manifest) = view.manifest() else { return Vec::new() };
        if self.api == PROVIDES.api {
            manifest.provides.iter().map(|one| (one.value.name.as_str(), one.span)).collect()
        } else {
            manifest.uses.iter().map(|one| (one.value.name.as_str(), one.span)).collect()
        }
    }

    /// The calls that provide or use one.
    pub(crate) fn calls<'a>(&self, view: PluginView<'a>) -> impl Iterator<Item = &'a Fact> {
        let api = self.api;
        view.running(FactKind::Capability).filter(move |fact| is(fact, api))
    }

    /// What the manifest lists and no call has to do with; nothing where that is not known.
    pub(crate) fn untouched<'a>(&self, view: PluginView<'a>) -> Vec<(&'a str, Span)> {
        let is_open = self.calls(view).any(|fact| named(fact).next().is_none());
        if !view.has_code() || !view.is_complete() || !view.knows("capabilities") || is_open {
            return Vec::new();
        }
        let touched: Vec<&str> = self.calls(view).flat_map(named).collect();
        self.declared(view).into_iter().filter(|(name, _)| !touched.contains(name)).collect()
    }
}

fn is(fact: &Fact, api: &str) -> bool {
    fact.detail.get("api").is_some_and(|known| known == api)
}

/// The capabilities that a call may name; none where only a run knows it.
pub(crate) fn named(fact: &Fact) -> impl Iterator<Item = &str> {
    let names = fact.detail.get("name").map(String::as_str).filter(|names| *names != "?");
    names.into_iter().flat_map(|names| names.split('|'))
}
