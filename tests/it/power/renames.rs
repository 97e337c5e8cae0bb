//! A power cut while what is kept of a subscription moves to its handler's new name, between two parts of it.

use super::record::{self, Disk, Step};
use super::recorder;
use crate::letters::{CODE, MANIFEST};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tests::report::say;
use tests::{Client, Daemon, Start, Suite, wait_until};

/// Of which each has its mark, too: several times what one part moves.
const LETTERS: usize = 9_000;
const PAGE: usize = 1_000;
const CUTS_MAX: usize = 16;
const PATIENCE: Duration = Duration::from_mins(2);

fn attic(code: &str) -> Suite {
    Suite::new().plugin("attic", MANIFEST, code)
}

fn renamed() -> String {
    CODE.replace("function carry", "{ formerly: 'carry' }, function lift")
}

/// The ids of all dead letters, of whatever name.
fn letters(admin: &Client) -> Vec<String> {
    let (mut ids, mut path) = (Vec::new(), Some(format!("/api/_admin/dead-letters?limit={PAGE}")));
    while let Some(at) = path {
        let page = admin.get(&at).expect_status(200);
        let found = page.body.as_array().expect("a list").iter();
        ids.extend(found.filter_map(|letter| letter["id"].as_str().map(str::to_owned)));
        let link = page.header("link").strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\""));
        path = link.map(str::to_owned);
        assert!(ids.len() <= LETTERS + 1, "more letters than there were");
    }
    ids
}

/// A daemon that buries many events, is killed, and starts with its handler under another name.
struct Recorded {
    /// Everything below lies in it.
    _home: tempfile::TempDir,
    data: PathBuf,
    steps: Vec<Step>,
    /// The steps before the second start.
    before: usize,
    /// What the letters are called at the end.
    moved: Vec<String>,
}

fn record() -> Option<Recorded> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let home = folder.path().canonicalize().expect("a folder");
    let (data, log) = (home.join("data"), home.join("record"));
    let library = recorder(&home)?;
    let start = Start::suite(attic(CODE)).data(&data).env("LD_PRELOAD", &library);
    let mut daemon = start.env("TRUNKLINE_RECORD", &log).env("TRUNKLINE_RECORD_UNDER", &data).run();
    for _ in 0..LETTERS / PAGE {
        daemon.client().post("/api/attic/many", &json!({ "count": PAGE })).expect_status(200);
    }
    let kept = "trunkline_store_entries{keyspace=\"dead-letters\"}";
    wait_until(PATIENCE, || (daemon.metric(kept) == LETTERS as u64).then_some(()));
    let old = letters(&daemon.admin());
    daemon.kill();
    let before = record::read(&std::fs::read(&log).expect("the record")).len();
    std::fs::write(daemon.suite().join("attic/src/main.js"), renamed()).expect("the suite's folder is writable");
    daemon.restart().expect("it starts again");
    let moved = letters(&daemon.admin());
    assert_eq!(moved, old.iter().map(|id| id.replace("attic.carry:", "attic.lift:")).collect::<Vec<_>>());
    daemon.kill();
    let steps = record::read(&std::fs::read(&log).expect("the record"));
    Some(Recorded { _home: folder, data, steps, before, moved })
}

impl Recorded {
    /// The folder as a cut after so many steps leaves it; the same one however often it is made.
    fn image(&self, steps: usize, folder: &Path) {
        let mut random = StdRng::seed_from_u64(steps as u64);
        record::image(&self.steps[..steps], Disk::Honest, &self.data, folder, &mut random);
    }

    /// How many letters have the old name after such a cut, as one sees whose suite has no such handler.
    fn left(&self, steps: usize) -> usize {
        let folder = tempfile::tempdir().expect("a folder");
        self.image(steps, folder.path());
        let bystander = Suite::new().plugin("attic", "roles: []", "");
        let daemon = Start::suite(bystander).data(folder.path()).run();
        letters(&daemon.admin()).iter().filter(|id| id.starts_with("attic.carry:")).count()
    }

    /// A cut between two parts.
    fn between(&self) -> usize {
        let (mut low, mut high) = (self.before, self.steps.len());
        for _ in 0..CUTS_MAX {
            let at = usize::midpoint(low, high);
            match self.left(at) {
                0 => high = at,
                LETTERS => low = at,
                left => {
                    say(&format!("cut after step {at} of {}: {left} of {LETTERS} still to move", self.steps.len()));
                    return at;
                }
            }
        }
        panic!("no cut between two parts was found in steps {}..{}", self.before, self.steps.len());
    }
}

#[test]
fn a_power_cut_between_two_parts_of_a_rename_loses_and_doubles_nothing() {
    let Some(recorded) = record() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    recorded.image(recorded.between(), folder.path());
    let daemon: Daemon = Start::suite(attic(&renamed())).data(folder.path()).run();
    assert_eq!(letters(&daemon.admin()), recorded.moved, "what was cut off goes on, and nothing is there twice");
    let report: Value = daemon.admin().post("/api/_admin/store/verify", &json!({})).expect_status(200).body;
    assert_eq!(report["ok"], json!(true), "{report}");
    // The marks went along: no event that was given up is tried again under the new name.
    daemon.client().post("/api/attic/many", &json!({ "count": 1 })).expect_status(200);
    wait_until(PATIENCE, || (letters(&daemon.admin()).len() == LETTERS + 1).then_some(()));
    let dead = "trunkline_events_dead_total{plugin=\"attic\"}";
    wait_until(PATIENCE, || (daemon.metric(dead) > 0).then_some(()));
    assert_eq!(daemon.metric(dead), 1, "an event that was given up came again");
}
