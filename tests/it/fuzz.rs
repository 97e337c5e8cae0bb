//! A share of the cases that `cargo run --release -p tests --bin fuzz` gives the checker.

use std::time::Duration;
use tests::fuzz::{Case, Corpus, Plan, run};
use tests::report::say;

/// Fixed, so that a failure is the change's and not the day's. CI's own minute begins elsewhere each time.
const SEED: u64 = 20_261_121;
const CASES: u64 = 400;

#[test]
fn no_input_makes_the_checker_panic_hang_or_pass_what_it_could_not_read() {
    let corpus: &'static Corpus = Box::leak(Box::new(Corpus::read()));
    let plan = Plan { seed: SEED, time: Duration::from_mins(2), cases: CASES };
    let outcome = run::run(corpus, plan);
    say(&format!("{} of {CASES} cases judged", outcome.cases));
    assert!(outcome.cases > 0);
    assert!(outcome.faults.is_empty(), "seed {SEED}: {:#?}", outcome.faults);
}

#[test]
fn a_case_is_made_again_by_its_number() {
    let corpus = Corpus::read();
    let cases: Vec<Case> = (0..50).map(|number| Case::make(&corpus, SEED, number)).collect();
    for (number, case) in (0..).zip(&cases) {
        let again = Case::make(&corpus, SEED, number);
        assert_eq!((again.texts, &again.what), (case.texts.clone(), &case.what));
    }
    let unreadable = cases.iter().filter(|case| case.unreadable.is_some()).count();
    assert!((5..25).contains(&unreadable), "{unreadable} of 50 are made unreadable");
    let changed = cases.iter().filter(|case| case.texts != corpus.suites[case.suite].1).count();
    assert!(changed > 45, "{changed} of 50 are changed");
}
