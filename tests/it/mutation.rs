//! What the checker is held to: it reads what is there, finds what is broken, and keeps quiet about what is not.
//!
//! A share of `cargo run --release -p tests --bin mutation`, which does all of it.

use tests::mutation::run::{self, Amount, Judged, Outcome, Row};
use tests::mutation::{Base, table};
use tests::report::say;

const AMOUNT: Amount = Amount { sites: 2, pairs: 40, seed: 7 };
/// Work that must have been done, so that a corpus that applies nowhere does not pass.
const FAULTS_MIN: usize = 500;
const REWRITES_MIN: usize = 350;
const FOUND_PERCENT_MIN: f64 = 98.0;
const F1_MIN: f64 = 0.99;

#[test]
fn the_suites_are_clean_as_they_stand() {
    for base in Base::all() {
        let open = base.report.found().filter(|one| one.severity > checker_cli::Severity::Info);
        let open: Vec<String> = open.map(|one| format!("{} {} {}", one.rule, one.location.file, one.message)).collect();
        assert!(open.is_empty(), "{}:\n{}", base.name, open.join("\n"));
    }
}

#[test]
fn what_the_code_does_on_the_bus_is_read_as_a_person_reads_it() {
    for base in Base::all() {
        let score = base.score();
        let remarks = score.remarks.join("\n");
        assert!(score.f1() >= F1_MIN, "{}: F1 {:.3}\n{remarks}", base.name, score.f1());
        assert!(score.precision() >= 1.0, "{}: precision {:.3}\n{remarks}", base.name, score.precision());
        assert_eq!(run::silent(&base.suite, &base.report), 0, "{}", base.name);
    }
}

#[test]
fn seeded_faults_are_found_and_rewrites_pass() {
    let bases = Base::all();
    let outcome = run::all(&bases, AMOUNT);
    let surprises = table::surprises(&outcome).join("\n");
    let (faults, found) = (count(&outcome.faulty, |_| true), count(&outcome.faulty, |one| one.found));
    let rewrites = count(&outcome.equivalent, |_| true);
    say(&format!("{found} of {faults} faults found, {rewrites} rewrites, pairs {:?}", outcome.pairs));
    assert!(faults >= FAULTS_MIN && rewrites >= REWRITES_MIN, "{faults} faults, {rewrites} rewrites");
    assert!(table::percent(found, faults) >= FOUND_PERCENT_MIN, "{found} of {faults}\n{surprises}");
    assert_eq!(count(&outcome.equivalent, |one| one.errors > 0), 0, "{surprises}");
    assert_eq!(silent(&outcome), 0, "{surprises}");
    assert_eq!(outcome.pairs.none, 0, "a pair of faults hides itself");
}

fn count(rows: &[Row], condition: fn(&Judged) -> bool) -> usize {
    rows.iter().map(|row| row.count(condition)).sum()
}

fn silent(outcome: &Outcome) -> usize {
    let rows = outcome.faulty.iter().chain(&outcome.equivalent);
    rows.flat_map(|row| &row.judged).map(|judged| judged.silent).sum()
}
