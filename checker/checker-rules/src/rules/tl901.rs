//! TL901: an exception that nothing needs any more.

use crate::audit::Audit;
use crate::context::Context;
use crate::exception::Exception;
use crate::finding::{Finding, taken_out};
use crate::rule::{Check, Rule};
use crate::severity::globs;
use checker_report::{Edit, Severity, byte_range};
use contract_model::Location;
use contract_model::span::Span;
use std::ops::Range;

pub(crate) const RULE: Rule = Rule {
    id: "TL901",
    name: "stale-allowance",
    severity: Severity::Error,
    since: "0.1.0",
    follows: None,
    text: include_str!("tl901.md"),
    check: Check::Audit(check),
};

fn check(cx: &Context<'_>, audit: &Audit<'_>) -> Vec<Finding> {
    exceptions(cx, audit).into_iter().chain(overrides(cx)).collect()
}

/// Severities for files that are not there.
fn overrides(cx: &Context<'_>) -> Vec<Finding> {
    let entries = &cx.suite.manifest.overrides;
    if entries.is_empty() {
        return Vec::new();
    }
    let in_plugins = cx.suite.views().flat_map(|view| view.parsed.texts.keys().map(move |file| view.path(file)));
    let files: Vec<String> = in_plugins.chain(["suite.yaml".to_owned()]).collect();
    let globs_of = entries.iter().flat_map(|entry| &entry.value.files);
    let stale = globs_of.filter(|glob| {
        let set = globs(std::iter::once(glob.value.as_str()));
        !files.iter().any(|file| set.is_match(file))
    });
    stale
        .map(|glob| {
            let message = format!("`overrides` speak of `{}`, and the suite has no such file", glob.value);
            let finding = Finding::new("", cx.suite.at(glob.span), message).role(format!("overrides {}", glob.value));
            finding
                .label("matches nothing")
                .help("correct the glob, or take it out; `**` crosses folders, `*` does not")
        })
        .collect()
}

fn exceptions(cx: &Context<'_>, audit: &Audit<'_>) -> Vec<Finding> {
    audit
        .stale()
        .map(|exception| {
            let about = exception.topic().map(|topic| format!(" for `{topic}`")).unwrap_or_default();
            let message = format!("the exception from {}{about} has nothing to suppress", exception.rule);
            let finding = Finding::new(exception.plugin, exception.location.clone(), message);
            let finding = finding.role(format!("{} {}", exception.rule, exception.topic().unwrap_or_default()));
            finding
                .label("no such finding")
                .suggest("take it out: what it excused is gone, or never was", edits(cx, exception))
        })
        .collect()
}

fn edits(cx: &Context<'_>, exception: &Exception<'_>) -> Vec<Edit> {
    let Some(view) = cx.whole.plugin(exception.plugin) else { return Vec::new() };
    let Some(text) = view.text(&exception.location.file) else { return Vec::new() };
    let place = byte_range(text, &exception.location);
    if exception.entry().is_some() {
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        return taken_out(view, Span { start: offset(place.start), end: offset(place.end) });
    }
    let cut = comment_with_blanks(text, place);
    let span =
        Span { start: u32::try_from(cut.start).unwrap_or(u32::MAX), end: u32::try_from(cut.end).unwrap_or(u32::MAX) };
    vec![Edit { location: Location::of(&exception.location.file, text, span), text: String::new() }]
}

/// A comment goes with the blanks before it, and with its whole line where nothing else stands there.
fn comment_with_blanks(text: &str, comment: Range<usize>) -> Range<usize> {
    let start = text[..comment.start].trim_end_matches([' ', '\t']).len();
    let end = comment.end + text[comment.end..].find('\n').unwrap_or(text.len() - comment.end);
    let alone = start == 0 || text[..start].ends_with('\n');
    if alone && text[comment.end..end].trim().is_empty() {
        start..(end + 1).min(text.len())
    } else {
        start..comment.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_leaves_no_gap() {
        for (text, left) in [
            ("a();\n  // x\nb();\n", "a();\nb();\n"),
            ("a(); // x\nb();\n", "a();\nb();\n"),
            ("// x\nb();\n", "b();\n"),
            ("a();\n// x", "a();\n"),
        ] {
            let at = text.find("// x").expect("a comment");
            let cut = comment_with_blanks(text, at..at + 4);
            assert_eq!(format!("{}{}", &text[..cut.start], &text[cut.end..]), left);
        }
    }
}
