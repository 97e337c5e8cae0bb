//! Markdown for a pull request: the verdict first, then what to do about it.

use crate::{Diagnostic, Severity, Sheet, Status, Summary};
use std::fmt::Write as _;

/// By this line a pipeline finds its own comment again, to replace it.
const MARK: &str = "<!-- trunkline check -->";
/// Findings that are spelled out. A comment holds 65,536 characters; the text format has no such limit.
const SPELLED_MAX: usize = 50;

/// Verdict, counts, then the findings that nobody allowed, worst first.
pub(super) fn render(sheet: &Sheet<'_>) -> String {
    let mut out = format!("{MARK}\n## {}\n\n", headline(sheet));
    counts(&mut out, &sheet.report.summary);
    let gate = sheet.report.gate;
    let (known, open): (Vec<_>, Vec<_>) = sheet.open().into_iter().partition(|finding| gate.passes_over(finding));
    for severity in [Severity::Error, Severity::Warning, Severity::Info] {
        let of: Vec<&Diagnostic> = open.iter().copied().filter(|finding| finding.severity == severity).collect();
        let open = if severity == Severity::Error { " open" } else { "" };
        section(&mut out, sheet, &counted(of.len(), severity.as_str()), open, &of);
    }
    section(&mut out, sheet, &format!("{} known and no reason to fail", known.len()), "", &known);
    rollout(&mut out, sheet);
    allowed(&mut out, sheet);
    out
}

/// The order of upgrades, where it matters.
fn rollout(out: &mut String, sheet: &Sheet<'_>) {
    if sheet.report.rollout.is_empty() {
        return;
    }
    out.push_str("\n**Upgrade in this order**\n\n");
    for (at, step) in (1..).zip(&sheet.report.rollout) {
        let _ = writeln!(out, "{at}. {}", prose(&step.words()));
        for why in &step.because {
            let _ = writeln!(out, "   - {}", prose(why));
        }
    }
}

fn headline(sheet: &Sheet<'_>) -> String {
    let failing = sheet.report.found().filter(|finding| sheet.report.gate.fails(finding)).count();
    match sheet.report.status {
        Status::Pass => "✅ The wiring holds".to_owned(),
        Status::Fail => format!("❌ {} in the wiring", counted(failing, "fault")),
        Status::Incomplete => "⚠️ Not everything could be read, so this proves nothing".to_owned(),
    }
}

fn counted(count: usize, thing: &str) -> String {
    if count == 1 { format!("1 {thing}") } else { format!("{count} {thing}s") }
}

fn counts(out: &mut String, summary: &Summary) {
    let Summary { errors, warnings, infos, new, suppressed, unproven, .. } = summary;
    let Summary { sites_resolved, sites_total, plugins, files, .. } = summary;
    let _ = write!(
        out,
        "| errors | warnings | infos | new | suppressed | unproven | resolved sites | plugins | files |\n\
         |---:|---:|---:|---:|---:|---:|---:|---:|---:|\n\
         | {errors} | {warnings} | {infos} | {new} | {suppressed} | {unproven} | {sites_resolved}/{sites_total} | \
         {plugins} | {files} |\n"
    );
}

fn section(out: &mut String, sheet: &Sheet<'_>, title: &str, open: &str, findings: &[&Diagnostic]) {
    if findings.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n<details{open}><summary><b>{title}</b></summary>\n");
    for finding in findings.iter().filter(|finding| !finding.is_told).take(SPELLED_MAX) {
        line(out, sheet, finding);
    }
    if let Some(more) = findings.len().checked_sub(SPELLED_MAX).filter(|more| *more > 0) {
        let _ = writeln!(out, "- and {more} more, in the log of the check");
    }
    out.push_str("\n</details>\n");
}

fn line(out: &mut String, sheet: &Sheet<'_>, finding: &Diagnostic) {
    let at = &finding.location;
    let place = format!("{}:{}", sheet.path(at), at.line);
    let links = finding.rules().map(|rule| format!("[{rule}]({})", sheet.page(rule)));
    let links = links.collect::<Vec<_>>().join(" ");
    let _ = writeln!(out, "- {links} {} — {}", code(&place), prose(&finding.message));
    for related in &finding.related {
        let place = format!("{}:{}", sheet.path(&related.location), related.location.line);
        let _ = writeln!(out, "  - {} — {}", code(&place), prose(&related.message));
    }
    if let Some(suggestion) = &finding.suggestion {
        let _ = writeln!(out, "  - **fix:** {}", prose(&suggestion.message));
    }
}

fn allowed(out: &mut String, sheet: &Sheet<'_>) {
    let suppressed: Vec<_> = sheet.report.found().filter(|finding| finding.suppressed.is_some()).collect();
    if suppressed.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n<details><summary>{} suppressed</summary>\n", suppressed.len());
    for finding in suppressed.iter().take(SPELLED_MAX) {
        let (at, reason) = (&finding.location, finding.suppressed.as_ref().map_or("", |one| one.reason.as_str()));
        let place = format!("{}:{}", sheet.path(at), at.line);
        let _ = writeln!(out, "- {} {} — {} ({})", finding.rule, code(&place), prose(&finding.message), prose(reason));
    }
    if let Some(more) = suppressed.len().checked_sub(SPELLED_MAX).filter(|more| *more > 0) {
        let _ = writeln!(out, "- and {more} more");
    }
    out.push_str("\n</details>\n");
}

/// Text of others between backticks.
fn code(text: &str) -> String {
    format!("`{}`", text.replace('`', "'").replace(['\n', '\r'], " "))
}

/// Text of others as a line: it neither opens tags nor mentions people nor starts a new paragraph. What stands
/// between backticks is left as it is.
fn prose(text: &str) -> String {
    let line = text.replace(['\n', '\r'], " ");
    let parts: Vec<&str> = line.split('`').collect();
    let last = parts.len() - 1;
    let escaped = parts.iter().enumerate().map(|(at, part)| {
        // An odd part stands in code, unless its backtick is never closed.
        if at % 2 == 1 && at < last { (*part).to_owned() } else { plain(part) }
    });
    escaped.collect::<Vec<_>>().join("`")
}

fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => out.push_str("&lt;"),
            '@' => out.push_str("&#64;"),
            '[' | ']' | '*' | '_' | '|' => {
                out.push('\\');
                out.push(character);
            }
            _ => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_others_stay_texts() {
        assert_eq!(prose("`a_b` <img> @all [x](y)\n# z"), "`a_b` &lt;img> &#64;all \\[x\\](y) # z");
        assert_eq!(prose("open `<b>"), "open `&lt;b>");
        assert_eq!(code("a`b"), "`a'b`");
    }
}
