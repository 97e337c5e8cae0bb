//! The graph of one composition of a suite.

use crate::consumer::{Consumer, consumers_of};
use crate::emission::{Emission, Via, emissions_of};
use crate::owners::{Owned, Owners, owners};
use crate::pattern::{TopicIndex, is_pattern, overlap};
use crate::suite::{PluginView, Suite};
use contract_model::manifest::{Publishes, TopicKind, Visibility};
use contract_model::span::Spanned;
use rustc_hash::FxHashSet;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;

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
    let known: BTreeSet<&str> = suite.views().map(PluginView::slug).collect();
    // A slug that nobody is known to have may be that of a plugin whose manifest cannot be read.
    let has_stranger = !wanted.is_subset(&known);
    let is_part = |view: &PluginView<'_>| wanted.contains(view.slug()) || has_stranger && view.is_unread();
    let plugins = suite.views().filter(is_part).map(|view| view.index).collect();
    Composition { name: Some(name.to_owned()), plugins }
}

/// Who publishes and who hears what in one composition. Answers refer to the suite it was built of.
#[derive(Debug)]
pub struct Graph<'a> {
    suite: &'a Suite,
    composition: Composition,
    slugs: BTreeMap<&'a str, usize>,
    owners: Owners<'a>,
    /// Those of all plugins of the suite; none where the composition has them all.
    suite_owners: Option<Owners<'a>>,
    emissions: Vec<Emission<'a>>,
    consumers: Vec<Consumer<'a>>,
    by_topic: Arc<ByTopic>,
}

/// Where things stand in the lists of a graph, by topic. It names no place in a text, so it holds for as long as every
/// plugin is wired as it was.
#[derive(Debug)]
pub struct ByTopic {
    /// The emissions whose topics are known, by topic; of an annotation by its patterns.
    sure: TopicIndex,
    /// The others, each under the one pattern that it may publish under.
    perhaps: TopicIndex,
    /// The emissions that stand for what manifests say that cannot be read.
    unread: Vec<usize>,
    consumers: TopicIndex,
    outside: TopicIndex,
}

impl<'a> Graph<'a> {
    /// Builds the graph of one composition, in time linear in what the suite says.
    pub fn build(suite: &'a Suite, composition: Composition) -> Self {
        Self::build_again(suite, composition, None)
    }

    /// The same, where `known` is what a graph of the same composition knew by topic when all its plugins were wired as
    /// they are now ([`Moved`](crate::Moved)).
    pub fn build_again(suite: &'a Suite, composition: Composition, known: Option<Arc<ByTopic>>) -> Self {
        let enabled: Vec<PluginView<'a>> = composition.plugins.iter().map(|index| suite.view(*index)).collect();
        let mut slugs = BTreeMap::new();
        for view in &enabled {
            slugs.entry(view.slug()).or_insert(view.index);
        }
        let owners = owners(enabled.iter().copied());
        let is_whole = enabled.len() == suite.plugins.len();
        let suite_owners = (!is_whole).then(|| crate::owners::owners(suite.views()));
        let emissions: Vec<Emission<'a>> = enabled.iter().flat_map(|view| emissions_of(*view, &owners)).collect();
        let consumers: Vec<Consumer<'a>> = enabled.iter().flat_map(|view| consumers_of(*view)).collect();
        let by_topic = || Arc::new(ByTopic::of(suite, &enabled, &owners, &emissions, &consumers));
        let by_topic = known.unwrap_or_else(by_topic);
        Self { suite, composition, slugs, owners, suite_owners, emissions, consumers, by_topic }
    }

    /// What it knows by topic.
    pub fn by_topic(&self) -> &Arc<ByTopic> {
        &self.by_topic
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

    /// Whether events of this topic or pattern enter from outside the suite: the suite names it external, or its
    /// contract is public and no plugin declares that it publishes it, so that only clients can.
    pub fn enters_from_outside(&self, pattern: &str) -> bool {
        self.by_topic.outside.overlaps(pattern)
    }

    /// The places that publish something under this pattern for certain, by plugin and place.
    pub(crate) fn sure_near(&self, pattern: &str) -> Vec<&Emission<'a>> {
        self.by_topic.sure.overlapping(pattern).into_iter().map(|at| &self.emissions[at]).collect()
    }

    /// Whether some place publishes something under this pattern for certain.
    pub(crate) fn is_surely_published(&self, pattern: &str) -> bool {
        self.by_topic.sure.overlaps(pattern)
    }

    /// The first places that may publish something under this pattern and of which it is not known, by plugin and
    /// place; and how many there are in all. Counting does not go through them one by one.
    pub(crate) fn perhaps_publishing(&self, pattern: &str, first: usize) -> (Vec<&Emission<'a>>, usize) {
        let (mut places, mut all) = (Vec::new(), 0);
        let _: ControlFlow<()> = self.by_topic.perhaps.visit(pattern, |things| {
            all += things.len();
            places.extend_from_slice(&things[..things.len().min(first)]);
            ControlFlow::Continue(())
        });
        if !self.is_spoken_for(pattern) {
            all += self.by_topic.unread.len();
            places.extend_from_slice(&self.by_topic.unread[..self.by_topic.unread.len().min(first)]);
        }
        places.sort_unstable();
        (places.into_iter().take(first).map(|at| &self.emissions[at]).collect(), all)
    }

    /// The plugins of the composition whose manifests cannot be read, or not all of them.
    pub fn unread(&self) -> impl Iterator<Item = PluginView<'a>> {
        self.by_topic.unread.iter().map(|at| self.suite.view(self.emissions[*at].plugin))
    }

    /// Whether a topic lies in the namespace of a plugin whose manifest can be read, and that manifest lets nobody else
    /// publish it: what cannot be read does not publish it either.
    fn is_spoken_for(&self, topic: &str) -> bool {
        let namespace = topic.split('.').next().unwrap_or_default();
        let is_open =
            |owned: &Owned<'_>| owned.contract.kind == TopicKind::Request || !owned.contract.publishers.is_empty();
        let owner = self.slugs.get(namespace).map(|index| self.suite.view(*index));
        owner.is_some_and(|owner| !owner.is_unsure())
            && !is_pattern(topic)
            && !self.owners.get(topic).map_or_else(|| self.is_request(topic), is_open)
    }

    /// Everything that one plugin publishes, by place.
    pub fn emissions_by(&self, plugin: usize) -> &[Emission<'a>] {
        let start = self.emissions.partition_point(|one| one.plugin < plugin);
        let end = self.emissions.partition_point(|one| one.plugin <= plugin);
        &self.emissions[start..end]
    }

    /// The consumers whose topic or pattern overlaps with this one, by plugin and topic.
    pub(crate) fn consumers_near(&self, topic: &str) -> Vec<&Consumer<'a>> {
        self.by_topic.consumers.overlapping(topic).into_iter().map(|at| &self.consumers[at]).collect()
    }

    pub(crate) fn owners(&self) -> &Owners<'a> {
        &self.owners
    }

    /// The contracts of all plugins, whatever the composition.
    pub(crate) fn suite_owners(&self) -> &Owners<'a> {
        self.suite_owners.as_ref().unwrap_or(&self.owners)
    }

    pub(crate) fn slugs(&self) -> &BTreeMap<&'a str, usize> {
        &self.slugs
    }
}

impl ByTopic {
    fn of<'a>(
        suite: &'a Suite,
        enabled: &[PluginView<'a>],
        owners: &Owners<'a>,
        emissions: &[Emission<'a>],
        consumers: &[Consumer<'a>],
    ) -> Self {
        let outside = outside(suite, enabled, owners);
        let (sure, perhaps, consumed) = (TopicIndex::default(), TopicIndex::default(), TopicIndex::default());
        let mut all = Self { sure, perhaps, unread: Vec::new(), consumers: consumed, outside };
        for (at, emission) in emissions.iter().enumerate() {
            if emission.via == Via::Unread {
                all.unread.push(at);
                continue;
            }
            let index = if emission.reach.is_sure() { &mut all.sure } else { &mut all.perhaps };
            emission.reach.patterns().for_each(|topic| index.add(topic, at));
        }
        for (at, consumer) in consumers.iter().enumerate() {
            all.consumers.add(&consumer.topic, at);
        }
        all
    }
}

/// External topics, and public topics that no plugin says it publishes: clients outside are meant to.
fn outside<'a>(suite: &'a Suite, enabled: &[PluginView<'a>], owners: &Owners<'a>) -> TopicIndex {
    let manifests = enabled.iter().filter_map(|view| view.manifest());
    let published = manifests.flat_map(|manifest| &manifest.publishes).flat_map(|entry| entry.value.names());
    let (patterns, names): (Vec<&str>, Vec<&str>) = published.partition(|name| is_pattern(name));
    let names: FxHashSet<&str> = names.into_iter().collect();
    let is_published = |name: &str| names.contains(name) || patterns.iter().any(|pattern| overlap(pattern, name));
    let inlets =
        owners.iter().filter(|(name, owned)| owned.contract.visibility == Visibility::Public && !is_published(name));
    let mut outside = TopicIndex::default();
    let external = suite.manifest.external.iter().map(|entry| entry.value.topic.as_str());
    // Of a list that is not whole anything may be missing.
    let external = external.chain(suite.manifest.refused.contains("external").then_some("**"));
    external.chain(inlets.map(|(name, _)| *name)).for_each(|topic| outside.add(topic, 0));
    outside
}
