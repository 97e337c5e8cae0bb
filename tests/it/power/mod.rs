//! Power cuts of the whole daemon: everything it does to its data folder is written down while clients post to it; then it
//! is started on the folder as a cut at some moment would have left it. What had been acknowledged by then is there.

mod record;
mod renames;
mod rights;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use record::{Disk, Step};
use serde_json::json;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tests::report::say;
use tests::{Client, Start, Suite};

const MANIFEST: &str = "
schema: schema.json
topics:
  dock.crate.came: {kind: event, version: 1.0.0, schema: any.json, visibility: public}
publishes: [dock.crate.came]
consumes: [dock.crate.came]
roles: [{name: dock.user, billable: false, grants: [dock.use]}]
";
const CODE: &str = r#"
const dao = $app.dao();
$app.routerAdd("POST", "/api/dock/crates", (e) => {
  $app.realtime().publish("dock.crate.came", e.body);
  return dao.saveRecord("dock_crates", { n: e.body.n, text: "crate ".repeat(e.body.n % 300) }).id;
});
const all = (name) => {
  const numbers = [];
  for (let from = 0; ; ) {
    const page = dao.findRecordsByFilter(name, { n: { gte: from } }, { sort: "n", limit: 500 });
    numbers.push(...page.map((record) => record.n));
    if (page.length < 500) return numbers;
    from = page[page.length - 1].n + 1;
  }
};
$app.routerAdd("GET", "/api/dock/crates", () => ({ came: all("dock_crates"), stowed: all("dock_stowed") }));
$app.onEvent("dock.crate.came", function stow(e) { dao.saveRecord("dock_stowed", { n: e.payload.n }); });
"#;
const SCHEMA: &str = r#"{"collections": [
  {"name": "dock_crates", "indexes": [["n"]], "fields": [{"name": "n", "type": "integer"}, {"name": "text", "type": "string"}]},
  {"name": "dock_stowed", "indexes": [["n"]], "fields": [{"name": "n", "type": "integer"}]}]}"#;

/// Images that a daemon is started on, if `TRUNKLINE_POWER_IMAGES` says nothing.
const IMAGES: usize = 12;
/// Images of one recorded life.
const IMAGES_A_LIFE: usize = 250;
/// Images in which each of the dishonest disks must be seen losing something.
const CONTROLS: usize = 6;
const CLIENTS: u64 = 4;
const LIFE: Duration = Duration::from_secs(3);
const ACKNOWLEDGED_MIN: usize = 60;
const PATIENCE: Duration = Duration::from_mins(1);

fn dock() -> Suite {
    Suite::new().plugin("dock", MANIFEST, CODE).file("dock/schema.json", SCHEMA)
}

/// The recorder as a library; none where no C compiler is, with a word.
fn recorder(folder: &Path) -> Option<PathBuf> {
    let (source, library) = (folder.join("recorder.c"), folder.join("recorder.so"));
    std::fs::write(&source, include_str!("recorder.c")).expect("written");
    let built =
        Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(&source).arg("-ldl").output();
    match built {
        Ok(done) if done.status.success() => Some(library),
        Ok(done) => panic!("the recorder: {}", String::from_utf8_lossy(&done.stderr)),
        Err(error) => {
            say(&format!("skipped: no C compiler: {error}"));
            None
        }
    }
}

/// What was done to the data folder of a daemon, and what its clients know.
struct Recorded {
    folder: tempfile::TempDir,
    data: PathBuf,
    steps: Vec<Step>,
    /// Each crate that was acknowledged, and how far the record was when its client knew.
    acknowledged: Vec<(u64, u64)>,
    sent: u64,
    key: Option<PathBuf>,
}

impl Recorded {
    /// One life of a daemon under load, ended by SIGKILL.
    fn live(encrypted: bool) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let home = folder.path().canonicalize().expect("a folder");
        let (data, log) = (home.join("data"), home.join("record"));
        let library = recorder(&home)?;
        let key = encrypted.then(|| home.join("key"));
        if let Some(key) = &key {
            std::fs::write(key, "a1".repeat(32)).expect("a key");
        }
        let start = with_key(Start::suite(dock()).data(&data), key.as_deref());
        let start =
            start.env("LD_PRELOAD", &library).env("TRUNKLINE_RECORD", &log).env("TRUNKLINE_RECORD_UNDER", &data);
        let mut daemon = start.run();
        let (next, over, acknowledged) = (AtomicU64::new(1), AtomicBool::new(false), Mutex::new(Vec::new()));
        std::thread::scope(|scope| {
            for _ in 0..CLIENTS {
                let client = daemon.client();
                let (next, over, acknowledged, log) = (&next, &over, &acknowledged, &log);
                scope.spawn(move || {
                    while !over.load(Ordering::Relaxed) {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        client.post("/api/dock/crates", &json!({"n": number})).expect_status(200);
                        let known = std::fs::metadata(log).expect("the record").len();
                        acknowledged.lock().expect("nobody has panicked").push((number, known));
                    }
                });
            }
            std::thread::sleep(LIFE);
            over.store(true, Ordering::Relaxed);
        });
        daemon.kill();
        let steps = record::read(&std::fs::read(&log).expect("the record"));
        let acknowledged = acknowledged.into_inner().expect("nobody has panicked");
        assert!(acknowledged.len() >= ACKNOWLEDGED_MIN, "only {} were acknowledged", acknowledged.len());
        Some(Self { folder, data, steps, acknowledged, sent: next.into_inner(), key })
    }

    /// Cuts the power at some moment after the first acknowledgement, and starts a daemon on what is left. Gives how many
    /// acknowledged ones were found.
    fn cut(&self, disk: Disk, seed: u64) -> Result<usize, String> {
        let mut random = StdRng::seed_from_u64(seed);
        let first = self.acknowledged.iter().map(|(_, known)| *known).min().unwrap_or(0);
        let from = self.steps.partition_point(|step| step.ends < first);
        let steps = &self.steps[..random.random_range(from..=self.steps.len())];
        let image = self.folder.path().join(format!("image-{seed}"));
        record::image(steps, disk, &self.data, &image, &mut random);
        let known = steps.last().map_or(0, |step| step.ends);
        let must: BTreeSet<u64> =
            self.acknowledged.iter().filter(|(_, at)| *at <= known).map(|(number, _)| *number).collect();
        let judged = self.judge(&image, &must);
        if judged.is_ok() {
            drop(std::fs::remove_dir_all(&image));
        }
        judged.map(|()| must.len()).map_err(|why| format!("seed {seed}, {} steps: {why}", steps.len()))
    }

    fn judge(&self, image: &Path, must: &BTreeSet<u64>) -> Result<(), String> {
        let start = with_key(Start::suite(dock()).data(image), self.key.as_deref());
        let daemon = start.try_run().map_err(|error| format!("it does not start: {error:#}"))?;
        let client = daemon.client();
        let (came, _) = stored(&client);
        if let Some(lost) = must.iter().find(|number| came.binary_search(number).is_err()) {
            return Err(format!(
                "crate {lost} was acknowledged and is lost; {} of {} are there",
                came.len(),
                must.len()
            ));
        }
        if !came.is_sorted_by(|a, b| a < b) || came.last().is_some_and(|last| *last > self.sent) {
            return Err("a crate is there twice, or was never sent".to_owned());
        }
        // The event and the record are one unit, and what the event does is done once.
        let until = std::time::Instant::now() + PATIENCE;
        while stored(&client).1 != came {
            if std::time::Instant::now() > until {
                return Err(format!("{} crates came, and stowed are {:?}", came.len(), stored(&client).1));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let report = daemon.admin().post("/api/_admin/store/verify", &json!({})).expect_status(200).body;
        if report["ok"] == json!(true) { Ok(()) } else { Err(format!("the store is not sound: {report}")) }
    }
}

fn with_key(start: Start, key: Option<&Path>) -> Start {
    match key {
        Some(key) => start.arg("--key-file").arg(key.to_str().expect("a path")),
        None => start,
    }
}

fn stored(client: &Client) -> (Vec<u64>, Vec<u64>) {
    let answer = client.get("/api/dock/crates").expect_status(200);
    let numbers = |name: &str| {
        let all = answer.data()[name].as_array().cloned().unwrap_or_default();
        all.iter().filter_map(serde_json::Value::as_u64).collect()
    };
    (numbers("came"), numbers("stowed"))
}

/// `TRUNKLINE_POWER_IMAGES` says how many images, `TRUNKLINE_SEED` which ones. Every fourth is of an encrypted store.
#[test]
fn a_daemon_loses_nothing_acknowledged_in_a_power_cut() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<usize>().ok());
    let images = number("TRUNKLINE_POWER_IMAGES").unwrap_or(IMAGES);
    let seed = number("TRUNKLINE_SEED").unwrap_or(1) as u64;
    let (mut found, mut cuts) = (0, 0);
    for (encrypted, end) in [(false, images - images / 4), (true, images)] {
        while cuts < end {
            let Some(recorded) = Recorded::live(encrypted) else { return };
            let until = end.min(cuts + IMAGES_A_LIFE);
            let before = cuts;
            for cut in cuts..until {
                found += recorded.cut(Disk::Honest, seed + cut as u64).unwrap_or_else(|why| panic!("{why}"));
            }
            cuts = until;
            let (steps, known) = (recorded.steps.len(), recorded.acknowledged.len());
            say(&format!("images {before}..{until} of {steps} steps, encrypted: {encrypted}, {known} acknowledged"));
        }
    }
    say(&format!("{cuts} power cuts of a daemon, {found} acknowledged crates found again"));
    assert!(found > cuts * 5, "too little was acknowledged before the cuts");
}

/// The negative controls: on disks that do not keep what they say they keep, losses are seen.
#[test]
fn disks_that_lie_are_seen_losing() {
    let Some(recorded) = Recorded::live(false) else { return };
    for disk in [Disk::IgnoresSyncs, Disk::ForgetsNames] {
        let losses = (1..=CONTROLS as u64).filter_map(|seed| recorded.cut(disk, seed).err()).collect::<Vec<_>>();
        say(&format!("{disk:?}: {} of {CONTROLS} images lose something", losses.len()));
        assert!(!losses.is_empty(), "nothing was lost on {disk:?}");
    }
}
