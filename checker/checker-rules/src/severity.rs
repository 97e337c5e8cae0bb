//! From default severities to those that hold for a suite.

use crate::context::Context;
use crate::name::RuleName;
use checker_report::{Diagnostic, Severity, Suppressed};
use jiff::civil::Date;
use std::collections::BTreeMap;

/// What is an error under `profile: strict` and `--strict`.
const STRICT: &[&str] = &["TL106", "TL110", "TL211", "TL213", "TL701", "TL702", "TL706"];
/// What is only a warning under `profile: legacy`: drift that a grown suite repairs over time.
const LEGACY: &[&str] = &["TL301", "TL302", "TL303", "TL304", "TL306", "TL205"];

/// What the suite says of its rules, by id.
pub(crate) struct Severities<'a> {
    strict: bool,
    legacy: bool,
    levels: BTreeMap<&'static str, &'a str>,
    /// Rules that only advise until their day.
    advisory: BTreeMap<&'static str, Date>,
}

impl<'a> Severities<'a> {
    /// Reads profile, `--strict`, `rules` and `enforce_from`.
    pub(crate) fn of(cx: &Context<'a>) -> Self {
        let manifest = &cx.suite.manifest;
        let profile = manifest.profile.as_ref().map(|profile| profile.value.as_str());
        let levels = manifest.rules.iter();
        let levels = levels.filter_map(|(rule, level)| Some((cx.names.find(rule)?.id, level.value.as_str())));
        let advisory = manifest.enforce_from.iter().filter_map(|(rule, day)| {
            let day: Date = day.value.parse().ok()?;
            Some((cx.names.find(rule)?.id, day)).filter(|_| day > cx.options.today)
        });
        Self {
            strict: cx.options.strict || profile == Some("strict"),
            legacy: profile == Some("legacy"),
            levels: levels.collect(),
            advisory: advisory.collect(),
        }
    }

    /// Whether a rule runs at all: one that is off by default only does where the suite gives it a level.
    pub(crate) fn runs(&self, rule: RuleName) -> bool {
        !rule.is_off_by_default || self.levels.contains_key(rule.id)
    }

    /// Sets a finding's severity: profile, `--strict` and the suite's `rules`, the last one winning. A finding of a
    /// rule that is off stays in the report as suppressed; before its day a rule is a warning at most.
    pub(crate) fn apply(&self, rule: RuleName, finding: &mut Diagnostic) {
        if self.legacy && LEGACY.contains(&rule.id) {
            finding.severity = Severity::Warning;
        }
        if self.strict && STRICT.contains(&rule.id) {
            finding.severity = Severity::Error;
        }
        match self.levels.get(rule.id) {
            Some(&"info") => finding.severity = Severity::Info,
            Some(&"warn") => finding.severity = Severity::Warning,
            Some(&"error") => finding.severity = Severity::Error,
            Some(&"off") => {
                let reason = format!("suite.yaml switches {} off", rule.id);
                finding.suppressed = Some(Suppressed { by: "suite", reason });
            }
            _ => {}
        }
        if self.advisory.contains_key(rule.id) {
            finding.severity = finding.severity.min(Severity::Warning);
        }
    }
}
