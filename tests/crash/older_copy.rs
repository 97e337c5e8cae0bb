//! The negative control: a store that forgot what it acknowledged must be seen failing.

use crate::driver::{CLIENTS, ENTITY, Load, prepare};
use std::path::Path;
use std::time::Duration;
use tests::intents::Intents;
use tests::report::say;
use tests::{Start, binary, oracle};

const LOAD: Duration = Duration::from_millis(500);

/// A store without fsync after a power cut looks like an earlier copy of itself.
#[test]
fn a_store_that_forgot_acknowledged_postings_is_seen_failing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (data, copy) = (folder.path().join("data"), folder.path().join("copy"));
    let intents = Intents::create(&folder.path().join("intents.log")).expect("an intent log");
    let mut daemon = Start::dev(&binary::ledger_example()).data(&data).run();
    prepare(&daemon.client());
    post_for_a_while(&intents, &daemon.client(), "before");
    daemon.kill();
    copy_folder(&data, &copy);
    daemon.restart().expect("the daemon comes back");
    post_for_a_while(&intents, &daemon.client(), "after");
    daemon.kill();

    let forgetful = Start::dev(&binary::ledger_example()).data(&copy).run();
    let stored = oracle::stored_after(&forgetful.client(), ENTITY, 0).expect("the ledger lists its journals");
    let found = oracle::violations(&stored, &intents.fates());
    say(&format!("negative control: {} stored, {} seen lost", stored.len(), found.len()));
    assert!(!stored.is_empty(), "the copy holds the postings from before");
    assert!(found.iter().any(|violation| violation.ends_with("is lost")), "the oracle does not see a loss");
}

fn post_for_a_while(intents: &Intents, client: &tests::Client, series: &str) {
    let load = Load::in_series(intents, series);
    load.aim(Some(client.clone()));
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| load.post_without_end(false));
        }
        std::thread::sleep(LOAD);
        load.stop();
    });
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("the copy's folder");
    for entry in std::fs::read_dir(from).expect("a folder").flatten() {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy_folder(&from, &to);
        } else {
            std::fs::copy(&from, &to).expect("a file is copied");
        }
    }
}
