//! Values that mean the same wherever a manifest has them: versions, dates, paths, levels.

use crate::facts::ProblemKind;
use crate::report::{Report, closest, did_you_mean};
use contract_model::span::Spanned;
use semver::Version;
use std::collections::BTreeSet;

/// A semantic version with three parts.
pub(super) fn semver(text: &str) -> Result<Version, String> {
    Version::parse(text)
        .map_err(|error| format!("`{text}` is not a version ({error}); write three parts, such as 1.2.0"))
}

/// A calendar date, YYYY-MM-DD. Its form only; whether it has passed is for a rule with a clock.
pub(super) fn date(text: &str) -> Result<String, String> {
    let parts: Vec<&str> = text.split('-').collect();
    let number = |at: usize, digits: usize| {
        parts.get(at).filter(|part| part.len() == digits).and_then(|part| part.parse::<u32>().ok())
    };
    let (Some(year), Some(month), Some(day), 3) = (number(0, 4), number(1, 2), number(2, 2), parts.len()) else {
        return Err(format!("`{text}` is not a date; write it as YYYY-MM-DD"));
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    if (1..=days).contains(&day) { Ok(text.to_owned()) } else { Err(format!("`{text}` is no day of the calendar")) }
}

/// A path without a leading `./`.
pub(super) fn normal(path: &str) -> String {
    path.strip_prefix("./").unwrap_or(path).to_owned()
}

/// Reports a file that is named but not there.
pub(super) fn present(
    path: &Spanned<String>,
    what: &str,
    kind: ProblemKind,
    files: &BTreeSet<&str>,
    report: &mut Report<'_>,
) {
    if files.contains(path.value.as_str()) {
        return;
    }
    let near = closest(&path.value, files.iter().copied());
    let message = format!("`{what}` names `{}`, and there is no such file in the plugin's folder", path.value);
    report.add_with_help(kind, path.span, message, did_you_mean(near));
}

/// How much a rule weighs.
pub(super) fn known_level(what: &str, level: Spanned<String>, report: &mut Report<'_>) -> Option<Spanned<String>> {
    if matches!(level.value.as_str(), "off" | "info" | "warn" | "error") {
        return Some(level);
    }
    let message = format!("`{what}` must be off, info, warn or error, got `{}`", level.value);
    report.add(ProblemKind::BadValue, level.span, message);
    None
}
