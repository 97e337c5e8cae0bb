//! What a finding is.

use contract_model::Location;
use serde::Serialize;
use std::fmt;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Probably wrong.
    Warning,
    /// Wrong: the suite must not run like this.
    Error,
}

impl Severity {
    /// The severity as machine formats name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One finding of one rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// The rule's id, such as `TL201`.
    pub rule: &'static str,
    /// The rule's name, such as `dangling-subscription`.
    pub name: &'static str,
    /// How bad it is, after the suite's own settings.
    pub severity: Severity,
    /// What is wrong, naming the thing, in one sentence without a full stop.
    pub message: String,
    /// Slug of the plugin to change; empty for suite.yaml.
    pub plugin: String,
    /// The topic it is about.
    pub topic: Option<String>,
    /// Where to look first. Never without a file and a line.
    pub location: Location,
    /// Further places, each with what it has to do with the finding.
    pub related: Vec<Related>,
    /// How to repair it.
    pub suggestion: Option<Suggestion>,
    /// Identity over time: stays when lines move. See [`crate::fingerprint`].
    pub fingerprint: String,
    /// Whether the baseline knows it already.
    pub baseline: Baseline,
    /// Set where somebody has allowed it.
    pub suppressed: Option<Suppressed>,
    /// What stands under the marked place in a snippet.
    #[serde(skip)]
    pub label: String,
    /// Whether it speaks of the report itself, such as how many findings are suppressed. A note fails nothing.
    #[serde(skip)]
    pub is_note: bool,
    /// Whether another finding tells of the same fault at the same place. Formats for people leave it out.
    #[serde(skip)]
    pub is_told: bool,
    /// Id and name of the rules whose findings are left out for this one.
    #[serde(skip)]
    pub also: Vec<(&'static str, &'static str)>,
}

impl Diagnostic {
    /// The ids of its own rule and of those that are left out for it.
    pub fn rules(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.rule).chain(self.also.iter().map(|(rule, _)| *rule))
    }
}

/// A further place of a finding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Related {
    /// What the place has to do with the finding.
    pub message: String,
    /// The place.
    pub location: Location,
}

/// A way to repair a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Suggestion {
    /// What to do.
    pub message: String,
    /// The same as edits of the texts, where it can be said so exactly.
    pub edits: Vec<Edit>,
}

/// Replaces one place by another text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Edit {
    /// What is replaced; empty where text is inserted.
    pub location: Location,
    /// The new text.
    pub text: String,
}

/// Whether a finding is known from before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Baseline {
    /// Neither the baseline nor the base has it, or there is none.
    #[default]
    New,
    /// The baseline or the base has it.
    Existing,
}

/// Who allowed a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Suppressed {
    /// The layer: `inline`, `manifest` or `suite`.
    pub by: &'static str,
    /// The reason given there.
    pub reason: String,
}
