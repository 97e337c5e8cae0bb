//! From which finding on a suite fails.

use crate::{Baseline, Diagnostic, Severity};

/// The least severity that fails a suite.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FailOn {
    /// Errors only.
    #[default]
    Error,
    /// Warnings too.
    Warn,
    /// Anything.
    Info,
    /// Nothing.
    Never,
}

impl FailOn {
    /// Whether a finding of this severity fails the suite.
    pub fn fails(self, severity: Severity) -> bool {
        match self {
            Self::Error => severity >= Severity::Error,
            Self::Warn => severity >= Severity::Warning,
            Self::Info => true,
            Self::Never => false,
        }
    }
}

/// What lets a suite pass and what does not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Gate {
    /// The least severity that fails it.
    pub floor: FailOn,
    /// Whether findings that the baseline knows let it pass.
    pub only_new: bool,
}

impl Gate {
    /// Whether this finding is known and lets the suite pass, so that those who look for faults need not see it.
    pub fn passes_over(self, finding: &Diagnostic) -> bool {
        self.only_new && finding.baseline == Baseline::Existing
    }

    /// Whether this finding fails the suite.
    pub fn fails(self, finding: &Diagnostic) -> bool {
        let open = finding.suppressed.is_none() && !finding.is_note;
        open && !self.passes_over(finding) && self.floor.fails(finding.severity)
    }
}
