//! From default severities to those that hold for a suite.

use crate::context::Context;
use crate::name::RuleName;
use checker_report::{Diagnostic, Severity, Suppressed};
use contract_model::span::Spanned;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use indexmap::IndexMap;
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
    /// What it says of them for some files, in the order of suite.yaml.
    overrides: Vec<Override<'a>>,
    /// Rules that only advise until their day.
    advisory: BTreeMap<&'static str, Date>,
}

struct Override<'a> {
    files: GlobSet,
    levels: BTreeMap<&'static str, &'a str>,
}

/// Whether a rule looks after exceptions. It cannot be switched off: it is what keeps switching off honest.
pub(crate) fn audits(rule: &str) -> bool {
    matches!(rule, "TL901" | "TL902" | "TL903" | "TL904" | "TL905" | "TL906" | "TL907")
}

impl<'a> Severities<'a> {
    /// Reads profile, `--strict`, `rules` and `enforce_from`.
    pub(crate) fn of(cx: &Context<'a>) -> Self {
        let manifest = &cx.suite.manifest;
        let profile = manifest.profile.as_ref().map(|profile| profile.value.as_str());
        let overrides = manifest.overrides.iter().map(|entry| Override {
            files: globs(entry.value.files.iter().map(|file| file.value.as_str())),
            levels: levels(cx, &entry.value.rules),
        });
        let advisory = manifest.enforce_from.iter().filter_map(|(rule, day)| {
            let day: Date = day.value.parse().ok()?;
            Some((cx.names.find(rule)?.id, day)).filter(|_| day > cx.options.today)
        });
        Self {
            strict: cx.options.strict || profile == Some("strict"),
            legacy: profile == Some("legacy"),
            levels: levels(cx, &manifest.rules),
            overrides: overrides.collect(),
            advisory: advisory.collect(),
        }
    }

    /// Whether a rule runs at all: one that is off by default only does where the suite gives it a level.
    pub(crate) fn runs(&self, rule: RuleName) -> bool {
        let overridden = || self.overrides.iter().any(|one| one.levels.contains_key(rule.id));
        !rule.is_off_by_default || self.levels.contains_key(rule.id) || overridden()
    }

    /// Sets a finding's severity: profile, `--strict`, the suite's `rules` and its `overrides` for the file, the last one
    /// winning. A finding of a rule that is off stays in the report as suppressed; before its day a rule is a warning at
    /// most.
    pub(crate) fn apply(&self, rule: RuleName, finding: &mut Diagnostic) {
        if self.legacy && LEGACY.contains(&rule.id) {
            finding.severity = Severity::Warning;
        }
        if self.strict && STRICT.contains(&rule.id) {
            finding.severity = Severity::Error;
        }
        let (level, place) = self.level(rule, &finding.location.file);
        match level {
            Some("info") => finding.severity = Severity::Info,
            Some("warn") => finding.severity = Severity::Warning,
            Some("error") => finding.severity = Severity::Error,
            Some("off") if !audits(rule.id) => {
                let reason = format!("suite.yaml switches {} off{place}", rule.id);
                finding.suppressed = Some(Suppressed { by: "suite", reason });
            }
            _ => {}
        }
        if self.advisory.contains_key(rule.id) {
            finding.severity = finding.severity.min(Severity::Warning);
        }
    }

    /// The level that the suite gives a rule in a file, and how far it reaches in words.
    fn level(&self, rule: RuleName, file: &str) -> (Option<&'a str>, &'static str) {
        let here = self.overrides.iter().rev().filter(|one| one.levels.contains_key(rule.id));
        match here.into_iter().find(|one| one.files.is_match(file)) {
            Some(one) => (one.levels.get(rule.id).copied(), " for this file"),
            // One that is off by default and has a level for other files only stays off here.
            None if rule.is_off_by_default && !self.levels.contains_key(rule.id) => (Some("off"), " for this file"),
            None => (self.levels.get(rule.id).copied(), ""),
        }
    }
}

fn levels<'a>(cx: &Context<'a>, rules: &'a IndexMap<String, Spanned<String>>) -> BTreeMap<&'static str, &'a str> {
    rules.iter().filter_map(|(rule, level)| Some((cx.names.find(rule)?.id, level.value.as_str()))).collect()
}

/// Globs as one. What is no glob was reported when suite.yaml was read, and matches nothing.
pub(crate) fn globs<'g>(globs: impl Iterator<Item = &'g str>) -> GlobSet {
    let mut all = GlobSetBuilder::new();
    let parsed = globs.filter_map(|glob| GlobBuilder::new(glob).literal_separator(true).build().ok());
    for glob in parsed {
        all.add(glob);
    }
    all.build().unwrap_or_default()
}
