//! What rules are called, for those who speak of rules without running them.

use checker_report::Severity;
use std::collections::BTreeMap;

/// The names of one rule and its weight.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RuleName {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) severity: Severity,
    /// The rule whose exceptions hold for this one too.
    pub(crate) follows: Option<&'static str>,
    pub(crate) is_off_by_default: bool,
    /// Whether it speaks of changes, and so is silent without a base.
    pub(crate) needs_base: bool,
}

/// The names of all rules, by what they can be called.
#[derive(Debug)]
pub(crate) struct Names(BTreeMap<String, RuleName>);

impl Names {
    pub(crate) fn new(all: impl IntoIterator<Item = RuleName>) -> Self {
        let both = |rule: RuleName| [(rule.id.to_lowercase(), rule), (rule.name.to_lowercase(), rule)];
        Self(all.into_iter().flat_map(both).collect())
    }

    /// Finds a rule by its id or its name; case and surrounding blanks do not matter.
    pub(crate) fn find(&self, rule: &str) -> Option<RuleName> {
        self.0.get(&rule.trim().to_lowercase()).copied()
    }

    /// Everything that a rule can be called.
    pub(crate) fn all(&self) -> impl Iterator<Item = &'static str> + Clone {
        self.0.values().flat_map(|rule| [rule.id, rule.name])
    }
}
