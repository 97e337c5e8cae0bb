//! What a run of tests has: the suite, and the file that is run.

use contract_parse::ParsedPlugin;
use daemon_host::SuiteTerms;
use tokio::runtime::Runtime;

/// A Monday morning in UTC, where the clock of every test begins.
pub(super) const BEGINS_MS: u64 = 1_767_600_000_000;

/// What a file is run with.
pub(super) struct Run<'a> {
    pub(super) suite: &'a Suite,
    pub(super) runtime: &'a Runtime,
    pub(super) slug: &'a str,
    pub(super) file: &'a str,
}

/// The plugins that rehearsals are made of.
pub(super) struct Suite {
    pub(super) plugins: Vec<ParsedPlugin>,
    pub(super) terms: SuiteTerms,
    /// All roles of the suite.
    pub(super) roles: Vec<String>,
}

impl Suite {
    pub(super) fn of(suite: &checker_cli::Suite) -> Self {
        let manifests = suite.plugins.iter().filter_map(|plugin| plugin.manifest.as_ref());
        let roles = manifests.flat_map(|manifest| manifest.roles.iter().map(|role| role.value.name.clone())).collect();
        let terms = SuiteTerms::from(&suite.manifest);
        Self { plugins: suite.plugins.clone(), terms, roles }
    }

    /// All plugins.
    pub(super) fn slugs(&self) -> impl Iterator<Item = &str> {
        let manifests = self.plugins.iter().filter_map(|plugin| plugin.manifest.as_ref());
        manifests.map(|manifest| manifest.slug.value.as_str())
    }

    /// Those that take part in a rehearsal of one, and the others.
    pub(super) fn split(&self, own: &str, with: &[String]) -> (Vec<ParsedPlugin>, Vec<ParsedPlugin>) {
        let takes_part = |plugin: &ParsedPlugin| {
            let slug = plugin.manifest.as_ref().map(|manifest| manifest.slug.value.as_str());
            slug.is_some_and(|slug| slug == own || with.iter().any(|one| one == slug))
        };
        self.plugins.iter().cloned().partition(takes_part)
    }
}
