//! What must be true of the checker, whatever it is given.

use super::{Case, Corpus};
use crate::mutation::run::silent;
use crate::mutation::texts::{Texts, judge, judge_against};
use checker_cli::{Color, Format, Report, Status, Suite, render};
use checker_report::Diagnostic;
use contract_parse::{ParsedPlugin, blank_types};

/// Judges a case. The error says what does not hold.
pub fn hold(corpus: &Corpus, case: &Case) -> Result<(), String> {
    let suite = case.texts.suite(|_| None);
    let report = judge(&suite);
    looks(case, &suite, &report)?;
    report.found().try_for_each(|finding| speaks(&case.texts, finding))?;
    renders(&suite, &report)?;
    same_again(case, &suite, &report)?;
    // A suite may choose to be told nothing of what is not resolved.
    let (_, original) = &corpus.suites[case.suite];
    let told = case.texts.0.get("suite.yaml") == original.0.get("suite.yaml");
    if told && silent(&suite, &report) > 0 {
        return Err("a call whose topic is not known is named by no finding".to_owned());
    }
    let original = original.suite(|_| None);
    for report in [judge_against(&suite, Some(&original)), judge_against(&original, Some(&suite))] {
        report
            .findings
            .iter()
            .filter(|one| one.location.file.is_empty())
            .try_for_each(|one| speaks(&case.texts, one))?;
    }
    let modules = case.texts.0.iter().filter(|(path, _)| path.ends_with("js") || path.ends_with("ts"));
    modules.map(|(_, text)| text).try_for_each(|text| blanks(text))
}

/// What could not be read is said by name, and code that could not be read leaves the analysis incomplete.
fn looks(case: &Case, suite: &Suite, report: &Report) -> Result<(), String> {
    let Some(file) = &case.unreadable else { return Ok(()) };
    let within = |plugin: &&ParsedPlugin| file.starts_with(&format!("{}/", plugin.folder));
    let Some(plugin) = suite.plugins.iter().find(within) else { return Ok(()) };
    let path = &file[plugin.folder.len() + 1..];
    let entry = plugin.manifest.as_ref().and_then(|manifest| manifest.entry.as_ref());
    let (rule, status) = match path {
        "plugin.yaml" => ("TL101", None),
        // Without a manifest nothing says which modules there are.
        _ if entry.is_some_and(|entry| entry.value == path) => ("TL704", Some(Status::Incomplete)),
        _ => return Ok(()),
    };
    let names = |one: &&Diagnostic| one.rule == rule && one.location.file == **file && one.suppressed.is_none();
    if !report.found().any(|one| names(&one)) {
        return Err(format!("{file} cannot be read, and no {rule} names it"));
    }
    if report.status == Status::Pass || status.is_some_and(|status| status != report.status) {
        return Err(format!("{file} cannot be read, and the status is {:?}", report.status));
    }
    Ok(())
}

/// A finding has a place that is there, says something, and its edits lie inside of what they edit.
fn speaks(texts: &Texts, finding: &Diagnostic) -> Result<(), String> {
    let wrong = |what: &str| Err(format!("{} {what}: {finding:?}", finding.rule));
    let at = &finding.location;
    if at.file.is_empty() || at.line == 0 || at.column == 0 || (at.end_line, at.end_column) < (at.line, at.column) {
        return wrong("has no place");
    }
    if finding.message.is_empty() {
        return wrong("says nothing");
    }
    for edit in finding.suggestion.iter().flat_map(|suggestion| &suggestion.edits) {
        let lines = texts.0.get(edit.location.file.as_str()).map_or(0, |text| text.split('\n').count());
        if usize::try_from(edit.location.end_line).is_ok_and(|line| line > lines) {
            return wrong("edits beyond the end of a file");
        }
    }
    Ok(())
}

fn renders(suite: &Suite, report: &Report) -> Result<(), String> {
    for (name, format) in Format::ALL {
        let text = render(suite, report, *format, Color::Never);
        let is_json = matches!(*name, "json" | "sarif" | "gitlab");
        if is_json && serde_json::from_str::<serde_json::Value>(&text).is_err() {
            return Err(format!("{name} is not JSON"));
        }
    }
    Ok(())
}

/// The order in which files were read changes nothing.
fn same_again(case: &Case, suite: &Suite, report: &Report) -> Result<(), String> {
    let folders = case.texts.folders();
    let other =
        case.texts.suite(|folder| folders.contains(&folder.to_owned()).then(|| case.texts.plugin(folder, true)));
    let json = |suite: &Suite, report: &Report| render(suite, report, Format::Json, Color::Never);
    if json(suite, report) == json(&other, &judge(&other)) {
        Ok(())
    } else {
        Err("another order of files gives another report".to_owned())
    }
}

/// Types are overwritten in place: what is left is as long, line by line. Enums make lines longer, never more.
fn blanks(text: &str) -> Result<(), String> {
    let Ok(blank) = blank_types("module.ts", text) else { return Ok(()) };
    let lengths = |text: &str| text.split('\n').map(|line| line.chars().count()).collect::<Vec<_>>();
    let (before, after) = (lengths(text), lengths(&blank));
    if before == after || (text.contains("enum") && before.len() == after.len()) {
        Ok(())
    } else {
        Err("erased types moved what stands after them".to_owned())
    }
}
