//! What a suite is held against besides itself.

use checker_report::{Baseline, Diagnostic};
use contract_graph::Suite;
use std::collections::BTreeMap;

/// What a suite is held against besides itself. The default is nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Against<'a> {
    /// The suite as it was. Rules about evolution compare with it, and a finding that it has too is not new.
    pub base: Option<&'a Suite>,
}

/// Marks the findings that the base has too. Where one fingerprint stands for several findings, as many of them are
/// known as the base has; an exception that was taken away makes a finding new again.
pub(crate) fn mark_existing(findings: &mut [Diagnostic], base: &[Diagnostic]) {
    let mut known: BTreeMap<(&str, bool), usize> = BTreeMap::new();
    for finding in base {
        *known.entry((&finding.fingerprint, finding.suppressed.is_some())).or_default() += 1;
    }
    for finding in findings {
        let key = (finding.fingerprint.as_str(), finding.suppressed.is_some());
        if let Some(left) = known.get_mut(&key).filter(|left| **left > 0) {
            *left -= 1;
            finding.baseline = Baseline::Existing;
        }
    }
}
