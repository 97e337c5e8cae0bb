//! Files that were cut, or put back to an earlier state.

use super::{Filled, vault};
use serde_json::json;
use std::fs::OpenOptions;
use tests::report::say;
use tests::{Daemon, Start};

const CUTS: u64 = 24;

#[test]
fn a_file_cut_anywhere_is_refused_by_name() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let filled = Filled::new();
    let whole = filled.whole;
    let mut refused = 0;
    for cut in 1..=CUTS {
        let copy = folder.path().join(format!("cut-{cut}"));
        filled.copy_to(&copy);
        // Odd lengths and whole pages, from almost nothing to almost all.
        let length = (whole * cut / (CUTS + 1)) & if cut % 2 == 0 { !4_095 } else { !0 };
        OpenOptions::new().write(true).open(copy.join("data.mdb")).and_then(|file| file.set_len(length)).expect("cut");
        let error = match Start::suite(vault()).data(&copy).try_run() {
            Err(error) => format!("{error:#}"),
            Ok(_) => panic!("a daemon serves a file of {length} of {whole} bytes"),
        };
        for part in ["exit status: 2", "data.mdb", &length.to_string(), "restore a backup"] {
            assert!(error.contains(part), "cut at {length} of {whole}: no {part:?} in {error}");
        }
        assert_eq!(std::fs::metadata(copy.join("data.mdb")).expect("the file").len(), length, "it was left as it is");
        refused += 1;
    }
    say(&format!("{refused} of {CUTS} cut files were refused by name"));
}

#[test]
fn an_earlier_copy_of_the_file_alone_is_refused_by_name() {
    let filled = Filled::new();
    let mut daemon: Daemon = Start::suite(vault()).data(&filled.data).run();
    let older = filled.data.with_extension("older");
    filled.copy_to(&older);
    daemon.client().post("/api/vault/coins", &json!({})).expect_status(200);
    daemon.kill();
    std::fs::copy(older.join("data.mdb"), filled.data.join("data.mdb")).expect("put back");
    for log in ["store.log.0", "store.log.1"] {
        std::fs::remove_file(filled.data.join(log)).expect("what the log knows is gone, too");
    }
    let error = format!("{:#}", daemon.restart().expect_err("a daemon serves a store that forgot"));
    for part in ["exit status: 2", "older than its anchor", "with event 300", "restore the newest backup"] {
        assert!(error.contains(part), "no {part:?} in {error}");
    }
    // The way out that the error names: to go on with what there is.
    let ran = daemon.command(&["store", "accept", "--data", filled.data.to_str().expect("a path")]);
    assert_eq!(ran.exit, Some(0), "{}", ran.err);
    for part in ["with event 300", "with event 320 was on disk before"] {
        assert!(ran.out.contains(part), "no {part:?} in {}", ran.out);
    }
    daemon.restart().expect("it goes on with the older state");
    assert_eq!(filled.judge(&daemon.client()), Ok(0));
}
