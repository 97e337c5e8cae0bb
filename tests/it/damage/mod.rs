//! A damaged file of a store: what is damaged is reported and refused, what is answered is right, and the daemon is
//! never ended by a signal.

mod cuts;
mod flips;
mod serving;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use tests::{Answer, Client, Daemon, Start, Suite};

const MANIFEST: &str = "
schema: schema.json
topics:
  vault.coin.laid: {kind: event, version: 1.0.0, schema: any.json, visibility: public}
publishes: [vault.coin.laid]
roles: [{name: vault.user, billable: false, grants: [vault.use]}]
";
const CODE: &str = r#"
$app.routerAdd("POST", "/api/vault/coins", () => {
  const ids = [];
  for (let n = 0; n < 20; n++) {
    ids.push($app.dao().saveRecord("vault_coins", { n, text: `coin ${n} `.repeat(n === 7 ? 900 : 40) }).id);
    $app.realtime().publish("vault.coin.laid", { n });
  }
  return ids;
});
$app.routerAdd("GET", "/api/vault/coins", () => $app.dao().countRecords("vault_coins", {}));
$app.routerAdd("GET", "/api/vault/coins/{id}", (e) => $app.dao().findRecordById("vault_coins", e.params.id));
$app.routerAdd("GET", "/api/vault/all/{n}", (e) =>
  $app.dao().findRecordsByFilter("vault_coins", { n: Number(e.params.n) }, { sort: "id" }));
"#;
const SCHEMA: &str = r#"{"collections": [{"name": "vault_coins", "indexes": [["n"]],
  "fields": [{"name": "n", "type": "integer"}, {"name": "text", "type": "string"}]}]}"#;
const KINDS: usize = 20;
/// Every so many records and events are also asked for one by one.
const ASKED_ONE_BY_ONE: usize = 12;

fn vault() -> Suite {
    Suite::new().plugin("vault", MANIFEST, CODE).file("vault/schema.json", SCHEMA)
}

/// A daemon on a folder with such a store.
fn start(data: &Path, key: &str) -> Start {
    Start::suite(vault()).data(data).env("TRUNKLINE_STORE_KEY", key)
}

/// A store that was filled and closed in order, and everything that its daemon answered.
struct Filled {
    _folder: tempfile::TempDir,
    data: PathBuf,
    /// The key that it is encrypted with; empty if it is not.
    key: String,
    /// Bytes of the file.
    whole: u64,
    records: Vec<String>,
    answers: Vec<(String, Answer)>,
}

impl Filled {
    /// Makes a store with a few hundred records and events in it.
    fn new() -> Self {
        Self::sealed_with("")
    }

    fn sealed_with(key: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = folder.path().join("data");
        let mut daemon: Daemon = start(&data, key).run();
        let mut records = Vec::new();
        for _ in 0..15 {
            let laid = daemon.client().post("/api/vault/coins", &json!({})).expect_status(200);
            records.extend(laid.data().as_array().expect("ids").iter().filter_map(Value::as_str).map(str::to_owned));
        }
        let report = daemon.admin().post("/api/_admin/store/verify", &json!({})).expect_status(200).body;
        assert_eq!((&report["ok"], &report["report"]["events"]), (&json!(true), &json!(300)), "{report}");
        let events = daemon.client().get("/api/events?limit=1000").expect_status(200).body;
        let events = events["items"].as_array().or_else(|| events.as_array()).expect("events").clone();
        let answers = questions(&records, &events).into_iter().map(|path| {
            let answer = daemon.client().get(&path).expect_status(200);
            (path, answer)
        });
        let answers = answers.collect();
        assert!(daemon.stop().expect("it stops").success());
        let whole = std::fs::metadata(data.join("data.mdb")).expect("the store's file").len();
        Self { _folder: folder, data, key: key.to_owned(), whole, records, answers }
    }

    /// What a daemon on a damaged copy answers: how much of it was refused, or the first wrong answer.
    fn judge(&self, client: &Client) -> Result<usize, String> {
        let mut refused = 0;
        for (path, right) in &self.answers {
            match client.send("GET", path, &[], None) {
                Ok(answer) if (answer.status, &answer.text) == (right.status, &right.text) => {}
                Ok(answer) if answer.status >= 500 && answer.code() == "STORE_DAMAGED" => refused += 1,
                Ok(answer) => return Err(format!("{path} answers {} {}", answer.status, answer.text)),
                // It ended in between; whoever asks looks at how.
                Err(_) => return Ok(refused + 1),
            }
        }
        Ok(refused)
    }

    fn copy_to(&self, to: &Path) {
        drop(std::fs::remove_dir_all(to));
        copy_folder(&self.data, to);
    }
}

fn questions(records: &[String], events: &[Value]) -> Vec<String> {
    let mut paths = vec!["/api/vault/coins".to_owned(), "/api/events?limit=1000".to_owned()];
    paths.extend((0..KINDS).map(|n| format!("/api/vault/all/{n}")));
    paths.extend(records.iter().step_by(ASKED_ONE_BY_ONE).map(|id| format!("/api/vault/coins/{id}")));
    let ids = events.iter().step_by(ASKED_ONE_BY_ONE).filter_map(|event| event["id"].as_str());
    paths.extend(ids.map(|id| format!("/api/events/{id}")));
    assert!(paths.len() > KINDS + 50, "too few questions: {paths:?}");
    paths
}

/// So many places and bits of a file.
fn places(seed: u64, whole: u64, count: usize) -> Vec<(u64, u32)> {
    let mut random = StdRng::seed_from_u64(seed);
    (0..count).map(|_| (random.random_range(0..whole), random.random_range(0..8_u32))).collect()
}

fn flip_bit(path: &Path, at: u64, bit: u32) {
    let file = OpenOptions::new().read(true).write(true).open(path).expect("the store's file");
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).expect("a byte");
    file.write_all_at(&[byte[0] ^ 1 << bit], at).expect("the file is writable");
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("the data folder") {
        let path = entry.expect("an entry").path();
        if path.is_file() && File::open(&path).is_ok() {
            std::fs::copy(&path, to.join(path.file_name().expect("a name"))).expect("copied");
        }
    }
}

/// How many of something a run does: what the variable says, or else as many as fit into every run.
fn how_many(variable: &str, usual: usize) -> usize {
    std::env::var(variable).map_or(usual, |count| count.parse().expect("a number"))
}
