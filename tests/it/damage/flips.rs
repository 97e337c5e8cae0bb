//! Single bits flipped anywhere in the file of a store at rest.

use super::{Filled, flip_bit, how_many, places, start};
use serde_json::{Value, json};
use std::process::Command;
use tests::binary;
use tests::daemon::run;
use tests::report::say;

const WALKS: usize = 150;
const STARTS: usize = 60;
const THREADS: usize = 2;

/// A key of an encrypted store.
fn key() -> String {
    "a7".repeat(32)
}

/// `TRUNKLINE_FLIPS` says how many are tried.
#[test]
fn every_flip_is_reported_or_the_content_is_as_it_was() {
    flip_and_walk(&Filled::new(), how_many("TRUNKLINE_FLIPS", WALKS));
}

/// The same where values are sealed; a third as many, for each tries the same code again.
#[test]
fn every_flip_of_an_encrypted_store_is_reported_or_the_content_is_as_it_was() {
    flip_and_walk(&Filled::sealed_with(&key()), how_many("TRUNKLINE_FLIPS", WALKS) / 3);
}

fn flip_and_walk(filled: &Filled, count: usize) {
    let verify = || {
        let folder = filled.data.to_str().expect("a path");
        let mut command = Command::new(binary::trunkline());
        command.args(["store", "verify", "--json", "--data", folder]).env("TRUNKLINE_STORE_KEY", &filled.key);
        let ran = run(&mut command);
        let report: Value = serde_json::from_str(&ran.out).unwrap_or_default();
        assert_eq!(ran.exit, Some(i32::from(report["ok"] != json!(true))), "{}", ran.err);
        report["report"].clone()
    };
    let sound = verify();
    assert_eq!((&sound["findings"], &sound["events"]), (&json!([]), &json!(300)), "{sound}");
    let (mut reported, mut unchanged) = (0, 0);
    for (at, bit) in places(6, filled.whole, count) {
        flip_bit(&filled.data.join("data.mdb"), at, bit);
        let found = verify();
        if found["findings"] == json!([]) {
            assert_eq!(found["content"], sound["content"], "bit {bit} of byte {at} changed what is stored, unseen");
            unchanged += 1;
        } else {
            reported += 1;
        }
        flip_bit(&filled.data.join("data.mdb"), at, bit);
    }
    say(&format!("flips in {} bytes: {reported} reported, {unchanged} changed nothing", filled.whole));
    assert!(reported * 3 > unchanged && unchanged > 0, "{reported} reported, {unchanged} not: too little was tried");
    assert_eq!(verify(), sound, "all of them were taken back");
}

/// `TRUNKLINE_DAMAGED_STARTS` says how many are tried.
#[test]
fn a_daemon_on_a_flipped_store_refuses_by_name_or_answers_rightly() {
    let count = how_many("TRUNKLINE_DAMAGED_STARTS", STARTS);
    let served = flip_and_serve(&Filled::new(), count);
    assert!(served > count / 10, "only {served} of {count} changed nothing: too little was tried");
}

/// The same where values are sealed; its pages are fuller, so that fewer flips change nothing.
#[test]
fn a_daemon_on_a_flipped_store_with_a_key_refuses_by_name_or_answers_rightly() {
    flip_and_serve(&Filled::sealed_with(&key()), how_many("TRUNKLINE_DAMAGED_STARTS", STARTS) / 3);
}

fn flip_and_serve(filled: &Filled, count: usize) -> usize {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let flips = places(7, filled.whole, count);
    let outcomes: Vec<bool> = std::thread::scope(|scope| {
        let shares = flips.chunks(flips.len().div_ceil(THREADS));
        let threads: Vec<_> = shares
            .enumerate()
            .map(|(thread, flips)| {
                let copy = folder.path().join(format!("copy-{thread}"));
                scope.spawn(move || {
                    let serve = |(at, bit): &(u64, u32)| {
                        filled.copy_to(&copy);
                        flip_bit(&copy.join("data.mdb"), *at, *bit);
                        serves(filled, &copy).unwrap_or_else(|why| panic!("bit {bit} of byte {at}: {why}"))
                    };
                    flips.iter().map(serve).collect::<Vec<bool>>()
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no outcome was wrong")).collect()
    });
    let served = outcomes.iter().filter(|served| **served).count();
    say(&format!("{} flipped stores: {} refused by name, {served} served rightly", flips.len(), flips.len() - served));
    assert!(flips.len() - served > flips.len() / 10, "{served} of {count} served: too little was tried");
    served
}

/// Whether a daemon serves this folder, and rightly; else it refused it by name.
fn serves(filled: &Filled, folder: &std::path::Path) -> Result<bool, String> {
    let mut daemon = match start(folder, &filled.key).try_run() {
        Ok(daemon) => daemon,
        Err(error) => {
            let error = format!("{error:#}");
            let named = error.contains("exit status: 2") && error.contains("backup");
            return if named { Ok(false) } else { Err(error) };
        }
    };
    filled.judge(&daemon.client())?;
    match daemon.stop() {
        Ok(status) if status.success() => Ok(true),
        ended => Err(format!("it ended with {ended:?}: {}", daemon.log())),
    }
}
