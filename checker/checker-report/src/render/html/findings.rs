//! The findings of the page, each with the lines it is about.

use crate::lines::Shelf;
use crate::{Baseline, Diagnostic, Sheet};
use contract_model::Location;
use maud::{Markup, html};

/// Lines shown around a place.
const AROUND: u32 = 2;
/// Lines shown of one place at most.
const LINES_MAX: u32 = 12;
/// Letters of a line that are shown; a bundled file has lines without end.
const LETTERS_MAX: usize = 240;

pub(super) fn section(sheet: &Sheet<'_>) -> Markup {
    let gate = sheet.report.gate;
    let shelf = &Shelf::of(sheet.texts);
    let (known, open): (Vec<_>, Vec<_>) = sheet.open().into_iter().partition(|finding| gate.passes_over(finding));
    let suppressed: Vec<&Diagnostic> = sheet.report.found().filter(|one| one.suppressed.is_some()).collect();
    html! {
        h2 { "Findings" }
        @if open.is_empty() { p class="hint" { "None." } }
        @for finding in open.into_iter().filter(|finding| !finding.is_told) { (card(sheet, shelf, finding)) }
        @if !known.is_empty() {
            details class="suppressed" {
                summary { (known.len()) " known and no reason to fail" }
                @for finding in known { (card(sheet, shelf, finding)) }
            }
        }
        @if !suppressed.is_empty() {
            details class="suppressed" {
                summary { (suppressed.len()) " suppressed" }
                @for finding in suppressed { (card(sheet, shelf, finding)) }
            }
        }
    }
}

pub(super) fn unproven(sheet: &Sheet<'_>) -> Markup {
    html! {
        h2 { "Unproven" }
        p class="hint" { "Subscriptions that are live only if one of the named places publishes their topic." }
        ul {
            @for one in &sheet.report.unproven {
                li data-search={ (one.plugin) " " (one.topic) } {
                    code { (one.topic) } " for " code { (one.plugin) } " at " (place(&one.location)) "; perhaps from "
                    @for (at, blocking) in one.blocking.iter().enumerate() { @if at > 0 { ", " } (place(blocking)) }
                    @if let Some(further) = one.further { " and " (further) " more" }
                }
            }
        }
    }
}

fn card(sheet: &Sheet<'_>, shelf: &Shelf<'_, '_>, finding: &Diagnostic) -> Markup {
    let Diagnostic { rule, name, severity, message, plugin, topic, location, .. } = finding;
    let also: Vec<String> = finding.also.iter().map(|(rule, name)| format!(" {rule} {name}")).collect();
    let also = also.concat();
    let search =
        format!("{rule} {name}{also} {plugin} {} {message} {}", topic.as_deref().unwrap_or_default(), location.file);
    html! {
        article class={ "finding " (severity) } data-search=(search) {
            h3 {
                span class="severity" { (severity) } " "
                a class="rule" href=(sheet.page(rule)) title=(name) { (rule) } " "
                @for (rule, name) in &finding.also {
                    a class="rule" href=(sheet.page(rule)) title=(name) { (rule) } " "
                }
                span class="message" { (ticked(message)) }
            }
            p class="where" {
                (place(location))
                @if finding.baseline == Baseline::Existing { span class="tag" { "known" } }
                @if let Some(suppressed) = &finding.suppressed {
                    span class="tag" { "allowed (" (suppressed.by) "): " (suppressed.reason) }
                }
            }
            (snippet(shelf, location, &finding.label))
            @for related in &finding.related {
                p class="related" { (ticked(&related.message)) " " (place(&related.location)) }
                (snippet(shelf, &related.location, ""))
            }
            @if let Some(suggestion) = &finding.suggestion { p class="fix" { b { "Fix " } (ticked(&suggestion.message)) } }
        }
    }
}

fn place(at: &Location) -> Markup {
    html! { span class="place" { (at.file) ":" (at.line) ":" (at.column) } }
}

/// What stands between backticks becomes code.
pub(super) fn ticked(text: &str) -> Markup {
    html! {
        @for (at, part) in text.split('`').enumerate() { @if at % 2 == 1 { code { (part) } } @else { (part) } }
    }
}

/// The lines of a place with the place marked. Nothing where there is no text, as for a folder.
fn snippet(shelf: &Shelf<'_, '_>, at: &Location, label: &str) -> Markup {
    let Some(lines) = shelf.lines(&at.file).filter(|lines| !lines.text.is_empty()) else { return html! {} };
    let marked = lines.byte_range(at);
    let (first, last) = (at.line.saturating_sub(AROUND).max(1), at.end_line.min(at.line + LINES_MAX) + AROUND);
    // What ends with a line end has no further line.
    let count = lines.count() - u32::from(lines.text.ends_with('\n'));
    let shown = (first..=last.min(count)).map(|number| (number, lines.line(number)));
    let shown = shown.map(|(number, (start, line))| (number, start, line.trim_end_matches('\r')));
    html! {
        pre { @for (number, start, line) in shown {
            span class="number" { (number) }
            (marked_line(line, marked.start.saturating_sub(start), marked.end.saturating_sub(start)))
            @if number == at.end_line && !label.is_empty() { span class="label" { "  " (label) } }
            "\n"
        } }
    }
}

/// A line with the part from one byte to another set off; bytes beyond it are its end.
fn marked_line(line: &str, from: usize, to: usize) -> Markup {
    let (from, to) = (from.min(line.len()), to.min(line.len()));
    let part = |text: &str| text.chars().take(LETTERS_MAX).collect::<String>();
    match (line.get(..from), line.get(from..to), line.get(to..)) {
        (Some(before), Some(within), Some(after)) if !within.is_empty() => {
            html! { (part(before)) mark { (part(within)) } (part(after)) }
        }
        _ => html! { (part(line)) },
    }
}
