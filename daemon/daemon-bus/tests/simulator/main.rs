//! The bus in a world of faults: flaky and slow handlers, kills, crashes, failed flushes, late and repeated answers.
//! Each seed enables its own subset of the faults. `TRUNKLINE_SIM_SEEDS` sets how many seeds are run, or which: `500` is
//! `0..500`, `500..900` the next four hundred.

mod dice;
mod effects;
mod fairness;
mod faults;
mod handlers;
mod oracle;
mod specs;
mod work;
mod world;

use fairness::Storm;
use std::ops::Range;
use work::Work;
use world::{Options, World};

const SEEDS_DEFAULT: u64 = 2_000;
/// Seeds that have failed once: they are run for ever.
const SEEDS_KEPT: [u64; 11] = [9_859, 12_949, 21_257, 30_417, 41_545, 50_096, 55_537, 61_817, 73_172, 80_419, 93_596];

const USUAL: Options = Options { ignore_marks: false, tight: false };

fn seeds() -> Range<u64> {
    let Ok(text) = std::env::var("TRUNKLINE_SIM_SEEDS") else { return 0..SEEDS_DEFAULT };
    let (from, to) = text.split_once("..").unwrap_or(("0", &text));
    let number =
        |text: &str| text.parse().unwrap_or_else(|_| panic!("TRUNKLINE_SIM_SEEDS={text}: `500` or `500..900`"));
    number(from)..number(to)
}

#[test]
#[expect(clippy::print_stdout, reason = "a test shows how much real work it did")]
fn every_seed_keeps_the_promises_of_delivery() {
    let mut total = Work::default();
    let seeds = seeds();
    let count = seeds.end - seeds.start;
    for seed in seeds.clone() {
        match World::new(seed, USUAL).run() {
            Ok(work) => total.add(&work),
            Err(fault) => panic!("seed {seed}: {fault}"),
        }
    }
    println!("seeds {seeds:?}: {total:?}");
    assert!(total.handled > 40 * count, "too little was handled: {total:?}");
    for (what, reached) in total.rare() {
        assert!(reached * 20 > count, "`{what}` was hardly reached: {total:?}");
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "a test shows how much real work it did")]
fn parked_keys_and_tenants_that_lag_stay_within_their_limits_and_nothing_is_lost() {
    let mut total = Work::default();
    let seeds = seeds();
    // Half of them: they come to rest more slowly.
    let count = (seeds.end - seeds.start).div_ceil(2);
    for seed in seeds.clone().step_by(2) {
        match World::new(seed, Options { tight: true, ..USUAL }).run() {
            Ok(work) => total.add(&work),
            Err(fault) => panic!("seed {seed}: {fault}"),
        }
    }
    println!("{count} of the seeds {seeds:?} with tight limits: {total:?}");
    assert!(total.handled > 40 * count, "too little was handled: {total:?}");
    for (what, reached) in total.tight() {
        assert!(reached > count, "`{what}` was hardly reached: {total:?}");
    }
}

#[test]
fn seeds_that_have_failed_once_fail_no_more() {
    for seed in SEEDS_KEPT {
        let fault = World::new(seed, USUAL).run().err();
        assert_eq!(fault, None, "seed {seed}");
    }
}

#[test]
fn without_the_inbox_mark_effects_happen_twice() {
    let fault = (0..200).find_map(|seed| World::new(seed, Options { ignore_marks: true, ..USUAL }).run().err());
    let fault = fault.expect("the oracle must see what an inbox without marks does");
    assert!(fault.contains("took effect twice"), "{fault}");
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for seed in 0..20 {
        let run = || World::new(seed, USUAL).run();
        assert_eq!(run(), run(), "seed {seed}");
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "a test shows how much real work it did")]
fn a_storm_of_one_tenant_holds_up_no_other() {
    let all = seeds();
    let seeds = all.start / 20..all.end.div_ceil(20);
    let count = seeds.end - seeds.start;
    let (mut calm, mut storm, mut worst) = (0, 0, 0);
    for seed in seeds {
        let waits = Storm::new(seed, false).run().unwrap_or_else(|fault| panic!("seed {seed}: {fault}"));
        assert!(waits.longest <= waits.bound, "seed {seed}: a calm tenant's event was starved: {waits:?}");
        (calm, storm) = (calm + waits.calm_handled, storm + waits.storm_handled);
        worst = worst.max(waits.longest * 100 / waits.bound);
    }
    println!("{count} storms: {calm} events of calm tenants beside {storm}, the longest wait {worst} % of its bound");
    assert!(calm >= 20 * count && storm > 800 * count, "too little was handled: {calm} beside {storm}");
}

#[test]
fn without_tenants_a_storm_starves_the_others() {
    let starved = (0..40).filter_map(|seed| Storm::new(seed, true).run().ok());
    let starved = starved.filter(|waits| waits.longest > 2 * waits.bound).count();
    assert!(starved >= 30, "the measure must see what a bus does that knows no tenants; it saw {starved} of 40");
}
