//! The confusion table, as text and as a page of the book.

use super::base::Base;
use super::run::{Outcome, Row};
use super::truth::Score;
use std::fmt::Write as _;

/// The tables as Markdown; in a terminal they read as well.
#[must_use]
pub fn render(bases: &[Base], outcome: &Outcome) -> String {
    let mut out = String::new();
    extraction(&mut out, bases);
    faulty(&mut out, &outcome.faulty);
    equivalent(&mut out, &outcome.equivalent);
    let pairs = &outcome.pairs;
    let all = pairs.both + pairs.one + pairs.none;
    let _ = write!(
        out,
        "\n## Two faults at once\n\nOf {all} random pairs in different files both were found in {}, one in {}, none in {}.\n",
        pairs.both, pairs.one, pairs.none
    );
    out
}

fn extraction(out: &mut String, bases: &[Base]) {
    out.push_str("## What the checker reads\n\n");
    out.push_str("| suite | places | correct | incorrect | partial | missing | spurious | precision | recall | F1 |\n");
    out.push_str("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n");
    for base in bases {
        let score = base.score();
        let _ = writeln!(out, "| {} | {} | {} |", base.name, base.places.len(), cells(&score));
    }
}

fn cells(score: &Score) -> String {
    let Score { correct, incorrect, partial, missing, spurious, .. } = score;
    let (precision, recall, f1) = (score.precision(), score.recall(), score.f1());
    format!("{correct} | {incorrect} | {partial} | {missing} | {spurious} | {precision:.3} | {recall:.3} | {f1:.3}")
}

fn faulty(out: &mut String, rows: &[Row]) {
    out.push_str("\n## Faults\n\n| operator | must say | applied | found | other rule | missed | more findings |\n");
    out.push_str("|---|---|---:|---:|---:|---:|---:|\n");
    for row in rows {
        let extra: usize = row.judged.iter().map(|judged| judged.extra).sum();
        let rules = row.operator.expects.join(", ");
        let _ = writeln!(
            out,
            "| {} | {rules} | {} | {} | {} | {} | {extra} |",
            row.operator.name,
            row.judged.len(),
            row.found(),
            row.wrong_rule(),
            row.missed()
        );
    }
    let sum = |count: fn(&Row) -> usize| rows.iter().map(count).sum::<usize>();
    let (applied, found) = (sum(|row| row.judged.len()), sum(Row::found));
    let _ = writeln!(
        out,
        "| **{} operators** | | **{applied}** | **{found}** | **{}** | **{}** | |\n\nFound: {:.2} %.",
        rows.len(),
        sum(Row::wrong_rule),
        sum(Row::missed),
        percent(found, applied)
    );
    let waiting: Vec<&str> = super::faulty::all().iter().filter(|one| !one.is_due()).map(|one| one.name).collect();
    if !waiting.is_empty() {
        let _ =
            writeln!(out, "Not applied, because the checker does not have their rules yet: {}.", waiting.join(", "));
    }
}

fn equivalent(out: &mut String, rows: &[Row]) {
    out.push_str("\n## Rewrites that change nothing\n\n| operator | applied | false errors | false warnings | read differently |\n");
    out.push_str("|---|---:|---:|---:|---:|\n");
    for row in rows {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} |",
            row.operator.name,
            row.judged.len(),
            row.count(|judged| judged.errors > 0),
            row.count(|judged| judged.warnings > 0),
            row.count(|judged| judged.rewired)
        );
    }
    let sum = |count: fn(&Row) -> usize| rows.iter().map(count).sum::<usize>();
    let _ = writeln!(
        out,
        "| **{} operators** | **{}** | **{}** | **{}** | **{}** |",
        rows.len(),
        sum(|row| row.judged.len()),
        sum(|row| row.count(|judged| judged.errors > 0)),
        sum(|row| row.count(|judged| judged.warnings > 0)),
        sum(|row| row.count(|judged| judged.rewired))
    );
}

/// A share in percent.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "some thousand mutants")]
pub fn percent(part: usize, whole: usize) -> f64 {
    if whole == 0 { 100.0 } else { 100.0 * part as f64 / whole as f64 }
}

/// The mutants that did not end as they should, one line each.
#[must_use]
pub fn surprises(outcome: &Outcome) -> Vec<String> {
    let line = |row: &Row, judged: &super::run::Judged| {
        let silent = if judged.silent > 0 { format!(" | {} silent", judged.silent) } else { String::new() };
        format!("{} | {} | {} | {:?}{silent}", row.operator.name, judged.suite, judged.what, judged.rules)
    };
    let faulty = outcome
        .faulty
        .iter()
        .flat_map(|row| row.judged.iter().filter(|one| !one.found || one.silent > 0).map(move |one| line(row, one)));
    let odd = |one: &&super::run::Judged| one.errors + one.warnings + one.silent > 0 || one.rewired;
    let equivalent =
        outcome.equivalent.iter().flat_map(|row| row.judged.iter().filter(odd).map(move |one| line(row, one)));
    faulty.chain(equivalent).chain(outcome.pairs.hidden.iter().cloned()).collect()
}
