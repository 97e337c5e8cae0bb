//! What rules see.

use crate::against::RecordedEvent;
use crate::schemas::Schemas;
use checker_report::Gate;
use contract_graph::{Evolution, Graph, Suite};
use jiff::civil::Date;
use semver::Version;

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
}

impl Options {
    /// The usual options on this day.
    pub fn on(today: Date) -> Self {
        let core = Version::parse(env!("CARGO_PKG_VERSION")).unwrap_or(Version::new(0, 0, 0));
        Self { strict: false, today, core, gate: Gate::default() }
    }
}

impl Context<'_> {
    /// Whether what cannot be proved counts as an error.
    pub(crate) fn is_strict(&self) -> bool {
        let profile = self.suite.manifest.profile.as_ref().map(|profile| profile.value.as_str());
        self.options.strict || profile == Some("strict")
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
}
