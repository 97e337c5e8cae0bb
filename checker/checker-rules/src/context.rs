//! What rules see.

use crate::against::RecordedEvent;
use crate::baseline::Baseline;
use crate::name::Names;
use crate::nearest::NameIndex;
use crate::schemas::Schemas;
use checker_report::{Gate, Severity};
use contract_graph::{Evolution, Graph, Reach, Suite};
use jiff::civil::Date;
use semver::Version;
use std::collections::BTreeSet;
use std::sync::OnceLock;

/// How a suite is to be judged.
#[derive(Debug, Clone)]
pub struct Options {
    /// Unproven and unresolved count as errors.
    pub strict: bool,
    /// The day that expiry is measured against.
    pub today: Date,
    /// The version of the daemon the suite is to run on.
    pub core: Version,
    /// What fails the suite.
    pub gate: Gate,
    /// Findings that are known already.
    pub baseline: Option<Baseline>,
}

impl Options {
    /// The usual options on this day.
    pub fn on(today: Date) -> Self {
        let core = Version::parse(env!("CARGO_PKG_VERSION")).unwrap_or(Version::new(0, 0, 0));
        Self { strict: false, today, core, gate: Gate::default(), baseline: None }
    }
}

/// A suite under examination.
pub(crate) struct Context<'a> {
    pub(crate) suite: &'a Suite,
    pub(crate) options: &'a Options,
    /// What became of the suite, where there is a base to compare with.
    pub(crate) evolution: Option<&'a Evolution<'a>>,
    /// Events that were recorded.
    pub(crate) recorded: &'a [RecordedEvent],
    /// The graph over all plugins together, whatever the compositions.
    pub(crate) whole: &'a Graph<'a>,
    /// The schemas of its topics.
    pub(crate) schemas: &'a Schemas<'a>,
    /// What rules are called.
    pub(crate) names: &'a Names,
    topics: OnceLock<NameIndex>,
}

impl<'a> Context<'a> {
    pub(crate) fn new(
        whole: &'a Graph<'a>,
        schemas: &'a Schemas<'a>,
        evolution: Option<&'a Evolution<'a>>,
        recorded: &'a [RecordedEvent],
        options: &'a Options,
        names: &'a Names,
    ) -> Self {
        Self { suite: whole.suite(), options, evolution, recorded, whole, schemas, names, topics: OnceLock::new() }
    }

    /// Whether what cannot be proved counts as an error.
    pub(crate) fn is_strict(&self) -> bool {
        let profile = self.suite.manifest.profile.as_ref().map(|profile| profile.value.as_str());
        self.options.strict || profile == Some("strict")
    }

    /// How much weighs what may be a fault and may be none.
    pub(crate) fn unproven(&self) -> Severity {
        if self.is_strict() { Severity::Error } else { Severity::Warning }
    }

    /// The topic that somebody probably meant by this name: a published, owned or external one of the whole suite.
    pub(crate) fn nearest_topic(&self, name: &str) -> Option<&str> {
        self.topics.get_or_init(|| self.known_topics()).nearest(name)
    }

    fn known_topics(&self) -> NameIndex {
        let external = self.suite.manifest.external.iter().map(|entry| entry.value.topic.as_str());
        let manifests = self.suite.views().filter_map(contract_graph::PluginView::manifest);
        let owned = manifests.flat_map(|manifest| manifest.topics.keys()).map(contract_model::TopicName::as_str);
        let sure = self.whole.emissions().filter_map(|emission| match &emission.reach {
            Reach::Exact(names) | Reach::Vouched(names) => Some(names),
            Reach::Pattern(_) | Reach::Unknown => None,
        });
        let published = sure.flatten().map(String::as_str);
        let all: BTreeSet<&str> = external.chain(owned).chain(published).filter(|name| !name.contains('*')).collect();
        NameIndex::new(all)
    }
}
