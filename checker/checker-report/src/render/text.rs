//! The format for people: snippets as rustc shows them, then one line of counts.

use crate::lines::{Lines, Shelf};
use crate::{Baseline, Color, Diagnostic, Edit, Report, Severity, Sheet, Summary};
use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Patch, Renderer, Snippet};
use contract_model::Location;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::ops::Range;

/// Findings that are not suppressed, each with its snippets, help and the way to more explanation; then the counts.
/// Where only new findings fail the suite, those that are known are counted and not spelled out.
pub fn render(sheet: &Sheet<'_>) -> String {
    in_memory(|out| write(sheet, out))
}

/// Writes what [`render`] gives, finding by finding: of a large suite all of it is larger than all sources.
pub fn write(sheet: &Sheet<'_>, out: &mut dyn Write) -> io::Result<()> {
    let gate = sheet.report.gate;
    let open = sheet.report.found().filter(|finding| finding.suppressed.is_none());
    let (known, shown): (Vec<_>, Vec<_>) = open.partition(|finding| gate.passes_over(finding));
    let shown: Vec<&Diagnostic> = shown.into_iter().filter(|finding| !finding.is_told).collect();
    spell_out(sheet, &shown, out)?;
    out.write_all(rollout(sheet.report).as_bytes())?;
    if let count @ 1.. = known.len() {
        let (are, them) = if count == 1 { ("finding is", "it") } else { ("findings are", "them") };
        writeln!(out, "{count} {are} known and not shown; `--out json` has {them}")?;
    }
    writeln!(out, "{}", summary_line(&sheet.report.summary))
}

/// What became of the findings since an earlier report: those that appeared, spelled out, a line for each that went, then
/// the counts. Suppressed ones are none, and a finding that only moved is the one it was.
pub fn render_changes(sheet: &Sheet<'_>, before: &Report) -> String {
    in_memory(|out| {
        spell_out(sheet, &beyond(sheet.report, before), out)?;
        for gone in beyond(before, sheet.report) {
            let at = &gone.location;
            writeln!(out, "gone: {}[{}] {}:{}: {}", gone.severity, gone.rule, at.file, at.line, gone.message)?;
        }
        writeln!(out, "{}", summary_line(&sheet.report.summary))
    })
}

/// What is written, as a text. Memory takes all that is written to it, and what is written here is text.
fn in_memory(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> String {
    let mut out = Vec::new();
    let written = write(&mut out).map(|()| String::from_utf8(out).unwrap_or_default());
    written.unwrap_or_default()
}

/// The open findings of a report that another has not, each as often as it has it more often.
fn beyond<'r>(report: &'r Report, other: &Report) -> Vec<&'r Diagnostic> {
    fn open(report: &Report) -> impl Iterator<Item = &Diagnostic> {
        report.found().filter(|finding| finding.suppressed.is_none() && !finding.is_told)
    }
    fn key(finding: &Diagnostic) -> (&str, Severity, &str) {
        (&finding.fingerprint, finding.severity, &finding.message)
    }
    let mut there: BTreeMap<_, usize> = BTreeMap::new();
    open(other).for_each(|finding| *there.entry(key(finding)).or_default() += 1);
    let mut is_there = |finding: &'r Diagnostic| match there.get_mut(&key(finding)) {
        Some(left @ 1..) => {
            *left -= 1;
            true
        }
        _ => false,
    };
    open(report).filter(|finding| !is_there(finding)).collect()
}

fn spell_out<'a>(sheet: &Sheet<'a>, findings: &[&'a Diagnostic], out: &mut dyn Write) -> io::Result<()> {
    let renderer = match sheet.color {
        Color::Always => Renderer::styled(),
        Color::Never => Renderer::plain(),
    };
    let shelf = Shelf::of(sheet.texts);
    findings.iter().try_for_each(|finding| {
        out.write_all(renderer.render(&groups(finding, &shelf)).as_bytes())?;
        out.write_all(b"\n\n")
    })
}

/// A fault of a text that is no file, such as an expression of the command line, with its place marked.
pub fn quoted(message: &str, text: &str, at: Range<usize>) -> String {
    let end = text.ceil_char_boundary(at.end.min(text.len()));
    let span = text.floor_char_boundary(at.start.min(end))..end;
    let snippet = Snippet::source(text).line_start(1).annotation(AnnotationKind::Primary.span(span));
    Renderer::plain().render(&[Level::ERROR.primary_title(message).element(snippet)])
}

/// The order of upgrades, where it matters.
fn rollout(report: &Report) -> String {
    if report.rollout.is_empty() {
        return String::new();
    }
    let mut out = "rollout: upgrade in this order\n".to_owned();
    for (at, step) in report.rollout.iter().enumerate() {
        // Writing into a String does not fail.
        let _ = writeln!(out, "  {}. {}", at + 1, step.words());
        for why in &step.because {
            let _ = writeln!(out, "     {why}");
        }
    }
    out + "\n"
}

/// The last line: `findings E/W/I, new N, suppressed M, unproven U, resolved sites R/T (pct), P plugins, F files`.
pub fn summary_line(summary: &Summary) -> String {
    let Summary { errors, warnings, infos, new, suppressed, unproven, sites_resolved, sites_total, plugins, files } =
        summary;
    format!(
        "findings {errors}/{warnings}/{infos}, new {new}, suppressed {suppressed}, unproven {unproven}, \
         resolved sites {sites_resolved}/{sites_total} ({}), {plugins} plugins, {files} files",
        percent(*sites_resolved, *sites_total)
    )
}

/// Whole percents, rounded down, so that only all of them is 100%.
fn percent(part: usize, whole: usize) -> String {
    match (part * 100).checked_div(whole) {
        Some(percent) => format!("{percent}%"),
        None => "100%".to_owned(),
    }
}

fn groups<'a>(finding: &'a Diagnostic, shelf: &Shelf<'_, 'a>) -> Vec<Group<'a>> {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::INFO,
    };
    let mut title = level.primary_title(finding.message.as_str()).id(finding.rule).elements(Vec::<Origin<'a>>::new());
    for (file, places) in by_file(finding) {
        title = match shelf.lines(file) {
            Some(lines) => title.element(snippet(file, &lines, &places)),
            None => title.element(Origin::path(file).line(places[0].0.line as usize)),
        };
    }
    title = title.element(Level::NOTE.message(note(finding)));
    let own = finding.location.file.as_str();
    let help = finding.suggestion.as_ref().map(|suggestion| help(&suggestion.message, &suggestion.edits, own, shelf));
    std::iter::once(title).chain(help).collect()
}

fn note(finding: &Diagnostic) -> String {
    let known = if finding.baseline == Baseline::Existing { "; known from the baseline" } else { "" };
    let also: Vec<String> = finding.also.iter().map(|(rule, name)| format!(" and {name} ({rule})")).collect();
    let also = also.concat();
    format!("{}{also}; `trunkline explain {}` says more{known}", finding.name, finding.rule)
}

type Place<'a> = (&'a Location, AnnotationKind, &'a str);

/// The places of a finding by file, the file of the finding itself first.
fn by_file(finding: &Diagnostic) -> Vec<(&str, Vec<Place<'_>>)> {
    let own: Place<'_> = (&finding.location, AnnotationKind::Primary, finding.label.as_str());
    let related = finding.related.iter().map(|one| (&one.location, AnnotationKind::Context, one.message.as_str()));
    let mut files: Vec<(&str, Vec<Place<'_>>)> = Vec::new();
    for place in std::iter::once(own).chain(related) {
        match files.iter_mut().find(|(file, _)| *file == place.0.file.as_str()) {
            Some((_, places)) => places.push(place),
            None => files.push((place.0.file.as_str(), vec![place])),
        }
    }
    files
}

/// Only the lines from the first place to the last are given to the renderer, which looks through all it is given.
fn snippet<'a>(file: &'a str, lines: &Lines<'a>, places: &[Place<'a>]) -> Snippet<'a, Annotation<'a>> {
    let first = places.iter().map(|(at, ..)| at.line.min(lines.count())).min().unwrap_or(1).max(1);
    let last = places.iter().map(|(at, ..)| at.end_line).max().unwrap_or(first);
    let (start, text) = lines.window(first, last);
    let annotations = places.iter().map(|(at, kind, label)| {
        let bytes = lines.byte_range(at);
        let annotation = kind.span(bytes.start - start..bytes.end - start);
        if label.is_empty() { annotation } else { annotation.label(*label) }
    });
    Snippet::source(text).path(file).line_start(first as usize).fold(true).annotations(annotations)
}

/// What to do, with the edits of each file. Those of the finding's own file come first: the renderer takes that file for
/// said and names only the others.
fn help<'a>(message: &'a str, edits: &'a [Edit], own: &str, shelf: &Shelf<'_, 'a>) -> Group<'a> {
    let mut files: BTreeMap<(bool, &str), Vec<&Edit>> = BTreeMap::new();
    for edit in edits {
        let file = edit.location.file.as_str();
        files.entry((file != own, file)).or_default().push(edit);
    }
    let snippets = files.into_iter().filter_map(|((_, file), edits)| {
        let lines = shelf.lines(file)?;
        let first = edits.iter().map(|edit| edit.location.line.min(lines.count())).min()?.max(1);
        let last = edits.iter().map(|edit| edit.location.end_line).max()?;
        let (start, text) = lines.window(first, last);
        let patches = edits.into_iter().map(|edit| {
            let bytes = lines.byte_range(&edit.location);
            Patch::new(bytes.start - start..bytes.end - start, edit.text.as_str())
        });
        Some(Snippet::source(text).path(file).line_start(first as usize).fold(true).patches(patches))
    });
    let mut group = Group::with_title(Level::HELP.secondary_title(message));
    for snippet in snippets {
        group = group.element(snippet);
    }
    group
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_all_sites_are_a_hundred_percent() {
        assert_eq!(percent(199, 200), "99%");
        assert_eq!(percent(0, 0), "100%");
    }
}
