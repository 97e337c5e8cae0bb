//! The bus in a world of faults: flaky and slow handlers, kills, crashes, failed flushes, late and repeated answers.
//! Each seed enables its own subset of the faults. `TRUNKLINE_SIM_SEEDS` sets how many seeds are run.

mod dice;
mod oracle;
mod world;

use world::{Options, Work, World};

const SEEDS_DEFAULT: u64 = 2_000;

fn seeds() -> u64 {
    std::env::var("TRUNKLINE_SIM_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(SEEDS_DEFAULT)
}

#[test]
#[expect(clippy::print_stdout, reason = "a test shows how much real work it did")]
fn every_seed_keeps_the_promises_of_delivery() {
    let mut total = Work::default();
    let count = seeds();
    for seed in 0..count {
        match World::new(seed, Options { ignore_marks: false }).run() {
            Ok(work) => total.add(&work),
            Err(fault) => panic!("seed {seed}: {fault}"),
        }
    }
    println!("{count} seeds: {total:?}");
    assert!(total.handled > 40 * count, "too little was handled: {total:?}");
    for (what, reached) in total.rare() {
        assert!(reached * 20 > count, "`{what}` was hardly reached: {total:?}");
    }
}

#[test]
fn without_the_inbox_mark_effects_happen_twice() {
    let fault = (0..200).find_map(|seed| World::new(seed, Options { ignore_marks: true }).run().err());
    let fault = fault.expect("the oracle must see what an inbox without marks does");
    assert!(fault.contains("took effect twice"), "{fault}");
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for seed in 0..20 {
        let run = || World::new(seed, Options { ignore_marks: false }).run();
        assert_eq!(run(), run(), "seed {seed}");
    }
}
