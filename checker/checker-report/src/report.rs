//! What one run gives.

use crate::diagnostic::{Diagnostic, Severity};
use crate::gate::Gate;
use contract_model::Location;
use serde::{Serialize, Serializer};
use std::num::NonZeroUsize;
use std::sync::Arc;

/// The result of one run, complete: nothing that was found is left out, suppressed findings included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Name and version of this format.
    pub schema: &'static str,
    /// What made it.
    pub tool: Tool,
    /// The verdict.
    pub status: Status,
    /// The counts.
    pub summary: Summary,
    /// The findings, sorted by place, rule and topic. Who checks again after a save shares most of them with the report
    /// before.
    #[serde(serialize_with = "plain")]
    pub findings: Vec<Arc<Diagnostic>>,
    /// Subscriptions of which it is not known whether anybody publishes them.
    pub unproven: Vec<Unproven>,
    /// Every documented exception with what became of it.
    pub allowances: Vec<AllowanceLine>,
    /// In which order plugins are to be upgraded, first to last; empty where the order does not matter. Only a check
    /// against a base knows it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rollout: Vec<RolloutStep>,
    /// What of it fails the suite.
    #[serde(skip)]
    pub gate: Gate,
    /// What the baseline knows and nobody finds any more; none where there is no baseline.
    #[serde(skip)]
    pub absent: Option<Vec<Known>>,
}

fn plain<S: Serializer>(findings: &[Arc<Diagnostic>], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(findings.iter().map(Arc::as_ref))
}

/// A finding that a baseline remembers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Known {
    /// Its fingerprint.
    pub fingerprint: String,
    /// The id of its rule.
    pub rule: String,
    /// What it said, or what the baseline's line says of it, for people.
    pub hint: String,
    /// Where it was, or the line of the baseline. A code host refuses a whole log for one result without a place.
    pub location: Location,
}

/// Plugins that are upgraded together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RolloutStep {
    /// Their slugs, sorted. More than one where each waits for another: they can only go at once.
    pub plugins: Vec<String>,
    /// Why they go at this point.
    pub because: Vec<String>,
}

/// The program that made a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tool {
    /// Its name.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
}

/// The verdict over a suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nothing at or above the floor.
    Pass,
    /// At least one finding at or above the floor.
    Fail,
    /// Something could not be looked at, so that a clean result would prove nothing.
    Incomplete,
}

/// The counts of a report.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Errors that are not suppressed.
    pub errors: usize,
    /// Warnings that are not suppressed.
    pub warnings: usize,
    /// Infos that are not suppressed.
    pub infos: usize,
    /// Findings that are neither suppressed nor in the baseline.
    pub new: usize,
    /// Suppressed findings.
    pub suppressed: usize,
    /// Entries of `unproven`.
    pub unproven: usize,
    /// Places that publish or subscribe whose topic is known.
    pub sites_resolved: usize,
    /// Places that publish or subscribe.
    pub sites_total: usize,
    /// Plugins looked at.
    pub plugins: usize,
    /// Files looked at.
    pub files: usize,
}

/// A subscription that is live only if one of these places publishes it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Unproven {
    /// The consumer's slug.
    pub plugin: String,
    /// The topic or pattern it consumes.
    pub topic: String,
    /// The subscription.
    pub location: Location,
    /// The places that would have to be resolved; of many the first ones.
    pub blocking: Vec<Location>,
    /// How many such places there are besides those.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub further: Option<NonZeroUsize>,
}

/// A documented exception.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AllowanceLine {
    /// The rule, as written.
    pub rule: String,
    /// The plugin it belongs to.
    pub plugin: String,
    /// The layer: `inline` or `manifest`.
    pub by: &'static str,
    /// The topic or pattern it is limited to.
    pub topic: Option<String>,
    /// The file it is limited to.
    pub file: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Its last day, YYYY-MM-DD.
    pub expires: Option<String>,
    /// Where it stands.
    pub location: Location,
    /// What became of it.
    pub state: AllowanceState,
    /// How many findings it suppresses.
    pub suppresses: usize,
}

/// What became of an exception.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AllowanceState {
    /// It suppresses at least one finding.
    Active,
    /// There is nothing to suppress any more.
    Stale,
    /// Its last day has passed, so it suppresses nothing.
    Expired,
}

impl Summary {
    /// Counts findings; the other numbers are the caller's.
    pub fn count(&mut self, findings: &[Arc<Diagnostic>]) {
        let open = || findings.iter().filter(|finding| finding.suppressed.is_none());
        let of = |severity| open().filter(|finding| finding.severity == severity).count();
        self.errors = of(Severity::Error);
        self.warnings = of(Severity::Warning);
        self.infos = of(Severity::Info);
        self.new = open().filter(|finding| finding.baseline == crate::Baseline::New).count();
        self.suppressed = findings.len() - open().count();
    }
}

impl RolloutStep {
    /// The plugins in words: "`ap`", or "`ap`, `gl` at once, as each waits for another".
    pub fn words(&self) -> String {
        let slugs: Vec<String> = self.plugins.iter().map(|slug| format!("`{slug}`")).collect();
        let together = if self.plugins.len() > 1 { " at once, as each waits for another" } else { "" };
        format!("{}{together}", slugs.join(", "))
    }
}

impl Report {
    /// The findings one by one.
    pub fn found(&self) -> impl DoubleEndedIterator<Item = &Diagnostic> + Clone {
        self.findings.iter().map(Arc::as_ref)
    }

    /// The worst finding that is not suppressed.
    pub fn worst(&self) -> Option<Severity> {
        self.found().filter(|finding| finding.suppressed.is_none()).map(|finding| finding.severity).max()
    }
}
