//! What a rule is.

use crate::audit::Audit;
use crate::context::Context;
use crate::doc::Doc;
use crate::finding::{Finding, from_problem};
use checker_report::Severity;
use contract_graph::{Evolution, Graph, PluginView};
use contract_parse::ProblemKind;

/// One rule: its names, its weight, its text and its check.
#[derive(Debug)]
pub struct Rule {
    /// `TL` and three digits. Stable: renaming one breaks suppressions.
    pub id: &'static str,
    /// The same rule in words; wherever an id is accepted, so is this.
    pub name: &'static str,
    /// How bad a finding is unless the suite says otherwise.
    pub severity: Severity,
    /// The version that brought the rule.
    pub since: &'static str,
    /// The rule whose exceptions hold for this one too, because both speak of the same fault.
    pub follows: Option<&'static str>,
    /// Markdown: what and why, how to repair, examples that must and must not fire.
    pub text: &'static str,
    pub(crate) check: Check,
}

/// When a rule runs and what it sees.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Check {
    /// What reading the texts found, of these kinds.
    Problems(&'static [ProblemKind]),
    /// Once for each plugin, by what was read of it alone: whatever the other plugins do, its findings stay.
    Plugin(fn(PluginView<'_>) -> Vec<Finding>),
    /// Once, over the suite.
    Suite(fn(&Context<'_>) -> Vec<Finding>),
    /// Once for each composition. The same fault in several compositions is one finding.
    Composition(fn(&Context<'_>, &Graph<'_>) -> Vec<Finding>),
    /// Once, over what became of the suite; only where there is a base to compare with.
    Evolution(fn(&Context<'_>, &Evolution<'_>) -> Vec<Finding>),
    /// After everything else, over the exceptions and what they suppressed.
    Audit(fn(&Context<'_>, &Audit<'_>) -> Vec<Finding>),
    /// Last of all, over the baseline, when every other finding is there to be known.
    Baseline(fn(&Context<'_>, &Audit<'_>) -> Vec<Finding>),
}

/// Rules that only run where suite.yaml gives them a level: matters of taste, of thresholds, or of data that most
/// suites do not mark.
const OFF_BY_DEFAULT: &[&str] = &["TL108", "TL803", "TL805"];

/// Rules that see nothing but the wiring: manifests, and what code publishes and subscribes to, whose places they only
/// pass on. Where the wiring stays as it is, so do their findings.
const OF_THE_WIRING: &[&str] = &[
    "TL103", "TL106", "TL110", "TL202", "TL204", "TL206", "TL207", "TL208", "TL209", "TL210", "TL211", "TL212",
    "TL213", "TL214", "TL301", "TL303", "TL402", "TL404", "TL405", "TL606", "TL804",
];

/// Rules that see the wiring and, once they find something, the texts around it.
const OF_THE_WIRING_UNLESS_FOUND: &[&str] = &["TL107", "TL201", "TL203", "TL302", "TL304", "TL401", "TL607"];

impl Rule {
    /// Whether these findings of the rule hold for as long as the wiring is the same.
    pub(crate) fn may_be_remembered(&self, found_nothing: bool) -> bool {
        OF_THE_WIRING.contains(&self.id) || (found_nothing && OF_THE_WIRING_UNLESS_FOUND.contains(&self.id))
    }

    /// Whether the rule looks at one plugin after the other, and at each of them alone.
    pub(crate) fn sees_plugins_alone(&self) -> bool {
        matches!(self.check, Check::Problems(_) | Check::Plugin(_))
    }

    /// What it finds in a plugin alone; nothing where it sees more than that.
    pub(crate) fn findings_in(&self, view: PluginView<'_>) -> Vec<Finding> {
        match self.check {
            Check::Plugin(check) => check(view),
            Check::Problems(kinds) => {
                let problems = view.parsed.problems.iter().filter(|problem| kinds.contains(&problem.kind));
                problems.map(|problem| from_problem(view.slug(), problem)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Whether the rule only runs where suite.yaml gives it a level under `rules:`.
    pub fn is_off_by_default(&self) -> bool {
        OFF_BY_DEFAULT.contains(&self.id)
    }

    /// The documentation, taken apart.
    pub fn doc(&self) -> Doc<'static> {
        Doc::parse(self.text)
    }

    /// Whether the rule speaks of changes, and so is silent without a base.
    pub fn needs_base(&self) -> bool {
        matches!(self.check, Check::Evolution(_))
    }

    /// Whether findings of this rule can be excepted. Those about exceptions cannot: that would hide itself.
    pub fn can_be_excepted(&self) -> bool {
        !matches!(self.check, Check::Audit(_) | Check::Baseline(_))
    }
}
