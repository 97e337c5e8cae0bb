//! From default severities to those that hold for a suite.

use crate::context::Context;
use crate::registry::find;
use crate::rule::Rule;
use checker_report::{Diagnostic, Severity, Suppressed};

/// What is an error under `profile: strict` and `--strict`.
const STRICT: &[&str] = &["TL106", "TL213", "TL701", "TL702"];
/// What is only a warning under `profile: legacy`: drift that a grown suite repairs over time.
const LEGACY: &[&str] = &["TL301", "TL302", "TL303", "TL304"];

enum Level {
    Off,
    At(Severity),
}

/// Applies profile, `--strict` and the suite's `rules`, the last one winning. A finding of a rule that is off stays
/// in the report as suppressed.
pub(crate) fn apply(cx: &Context<'_>, rule: &Rule, finding: &mut Diagnostic) {
    let profile = cx.suite.manifest.profile.as_ref().map(|profile| profile.value.as_str());
    if profile == Some("legacy") && LEGACY.contains(&rule.id) {
        finding.severity = Severity::Warning;
    }
    if (cx.options.strict || profile == Some("strict")) && STRICT.contains(&rule.id) {
        finding.severity = Severity::Error;
    }
    match configured(cx, rule) {
        Some(Level::At(severity)) => finding.severity = severity,
        Some(Level::Off) => {
            let reason = format!("suite.yaml switches {} off", rule.id);
            finding.suppressed = Some(Suppressed { by: "suite", reason });
        }
        None => {}
    }
}

fn configured(cx: &Context<'_>, rule: &Rule) -> Option<Level> {
    let rules = &cx.suite.manifest.rules;
    let (_, level) = rules.iter().find(|(key, _)| find(key).is_some_and(|known| known.id == rule.id))?;
    match level.value.as_str() {
        "off" => Some(Level::Off),
        "info" => Some(Level::At(Severity::Info)),
        "warn" => Some(Level::At(Severity::Warning)),
        "error" => Some(Level::At(Severity::Error)),
        _ => None,
    }
}
