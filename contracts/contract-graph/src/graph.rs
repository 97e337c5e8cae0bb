//! The graph of one composition of a suite.

use crate::consumer::{Consumer, consumers_of};
use crate::emission::{Emission, emissions_of};
use crate::lookup::{Owners, owners};
use crate::suite::{PluginView, Suite};
use contract_model::manifest::{Publishes, Visibility};
use contract_model::span::Spanned;
use std::collections::BTreeSet;

/// A set of plugins that run together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Composition {
    /// Its name in suite.yaml; none for the suite as a whole.
    pub name: Option<String>,
    /// Indices of its plugins in the suite.
    pub plugins: BTreeSet<usize>,
}

impl Composition {
    /// All plugins of a suite together.
    pub fn whole(suite: &Suite) -> Self {
        Self { name: None, plugins: (0..suite.plugins.len()).collect() }
    }

    /// The compositions that must each be sound: those that suite.yaml names, else the suite as a whole.
    pub fn all(suite: &Suite) -> Vec<Self> {
        if suite.manifest.compositions.is_empty() {
            return vec![Self::whole(suite)];
        }
        suite
            .manifest
            .compositions
            .iter()
            .map(|(name, slugs)| named(suite, name, slugs.iter().map(|s| s.value.as_str())))
            .collect()
    }
}

fn named<'s>(suite: &Suite, name: &str, slugs: impl Iterator<Item = &'s str>) -> Composition {
    let wanted: BTreeSet<&str> = slugs.collect();
    let plugins = suite.views().filter(|view| wanted.contains(view.slug())).map(|view| view.index).collect();
    Composition { name: Some(name.to_owned()), plugins }
}

/// Who publishes and who hears what in one composition. Answers refer to the suite it was built of.
#[derive(Debug)]
pub struct Graph<'a> {
    suite: &'a Suite,
    composition: Composition,
    owners: Owners<'a>,
    emissions: Vec<Emission<'a>>,
    consumers: Vec<Consumer<'a>>,
    inlets: BTreeSet<&'a str>,
}

impl<'a> Graph<'a> {
    /// Builds the graph of one composition.
    pub fn build(suite: &'a Suite, composition: Composition) -> Self {
        let enabled: Vec<PluginView<'a>> =
            suite.views().filter(|view| composition.plugins.contains(&view.index)).collect();
        let owners = owners(enabled.iter().copied());
        let emissions = enabled.iter().flat_map(|view| emissions_of(*view, &owners)).collect();
        let consumers = enabled.iter().flat_map(|view| consumers_of(*view)).collect();
        let inlets = inlets(&enabled, &owners);
        Self { suite, composition, owners, emissions, consumers, inlets }
    }

    /// Builds the graph of all plugins together.
    pub fn whole(suite: &'a Suite) -> Self {
        Self::build(suite, Composition::whole(suite))
    }

    /// The suite it was built of.
    pub fn suite(&self) -> &'a Suite {
        self.suite
    }

    /// The composition it was built for.
    pub fn composition(&self) -> &Composition {
        &self.composition
    }

    /// The plugins of the composition, in the order of their folders.
    pub fn plugins(&self) -> impl Iterator<Item = PluginView<'a>> {
        self.composition.plugins.iter().map(|index| self.suite.view(*index))
    }

    /// Whether a plugin of this slug is part of the composition.
    pub fn has_plugin(&self, slug: &str) -> bool {
        self.plugins().any(|plugin| plugin.slug() == slug)
    }

    /// Every place that publishes, by plugin and place.
    pub fn emissions(&self) -> impl Iterator<Item = &Emission<'a>> {
        self.emissions.iter()
    }

    /// Everyone who listens, by plugin and topic.
    pub fn consumers(&self) -> impl Iterator<Item = &Consumer<'a>> {
        self.consumers.iter()
    }

    /// Every entry of a manifest's `publishes`, with its plugin.
    pub fn declared_publications(&self) -> impl Iterator<Item = (PluginView<'a>, &'a Spanned<Publishes>)> {
        self.plugins().flat_map(|plugin| {
            let entries = plugin.manifest().map(|manifest| manifest.publishes.as_slice()).unwrap_or_default();
            entries.iter().map(move |entry| (plugin, entry))
        })
    }

    pub(crate) fn owners(&self) -> &Owners<'a> {
        &self.owners
    }

    pub(crate) fn inlets(&self) -> impl Iterator<Item = &'a str> {
        self.inlets.iter().copied()
    }
}

/// Public topics that no plugin says it publishes: clients outside are meant to.
fn inlets<'a>(enabled: &[PluginView<'a>], owners: &Owners<'a>) -> BTreeSet<&'a str> {
    let published_inside = |owned: &crate::Owned<'a>| {
        enabled
            .iter()
            .filter_map(|view| view.manifest())
            .any(|manifest| manifest.may_publish(&owned.contract.name.value))
    };
    owners
        .iter()
        .filter(|(_, owned)| owned.contract.visibility == Visibility::Public && !published_inside(owned))
        .map(|(name, _)| *name)
        .collect()
}
