//! A store's file that was cut is refused by name; flipped bits are found by the walk over it.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Command, Stdio};
use tests::report::say;
use tests::{Daemon, Start, Suite, binary};

const MANIFEST: &str = "
schema: schema.json
topics:
  vault.coin.laid: {kind: event, version: 1.0.0, schema: coin.json, visibility: public}
publishes: [vault.coin.laid]
roles: [{name: vault.user, billable: false, grants: [vault.use]}]
";
const CODE: &str = r#"
$app.routerAdd("POST", "/api/vault/coins", (e) => {
  for (let n = 0; n < 20; n++) {
    $app.dao().saveRecord("vault_coins", { n, text: `coin ${n} `.repeat(40) });
    $app.realtime().publish("vault.coin.laid", { n });
  }
});
$app.routerAdd("GET", "/api/vault/coins", () => $app.dao().countRecords("vault_coins", {}));
"#;
const SCHEMA: &str = r#"{"collections": [{"name": "vault_coins", "indexes": [["n"]],
  "fields": [{"name": "n", "type": "integer"}, {"name": "text", "type": "string"}]}]}"#;
const COIN: &str = r#"{"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"}"#;
const CUTS: u64 = 24;
const FLIPS: usize = 200;

#[test]
fn a_file_cut_anywhere_is_refused_by_name() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    let whole = filled(&data);
    let mut refused = 0;
    for cut in 1..=CUTS {
        let copy = folder.path().join(format!("cut-{cut}"));
        copy_folder(&data, &copy);
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
fn flipped_bits_are_found_by_the_walk_beside_the_daemon() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (data, copy) = (folder.path().join("data"), folder.path().join("copy"));
    let whole = filled(&data);
    let mut random = StdRng::seed_from_u64(6);
    let (mut detected, mut walkers_lost) = (0, 0);
    for _ in 0..FLIPS {
        drop(std::fs::remove_dir_all(&copy));
        copy_folder(&data, &copy);
        let (at, bit) = (random.random_range(0..whole), random.random_range(0..8_u32));
        flip_bit(&copy.join("data.mdb"), at, bit);
        let walk = Command::new(binary::trunkline()).arg("walk-store").arg(&copy).stdin(Stdio::null()).output();
        let walk = walk.expect("the binary starts");
        let report: Value = serde_json::from_slice(&walk.stdout).unwrap_or_default();
        walkers_lost += usize::from(walk.status.code().is_none());
        detected += usize::from(walk.status.code().is_none() || report["findings"] != json!([]));
    }
    say(&format!("{FLIPS} flips in {whole} bytes: {detected} detected; {walkers_lost} walks ended by a signal"));
    assert!(detected * 4 > FLIPS, "only {detected} of {FLIPS} flips were detected");
}

fn vault() -> Suite {
    let suite = Suite::new().plugin("vault", MANIFEST, CODE);
    suite.file("vault/schema.json", SCHEMA).file("vault/coin.json", COIN)
}

/// Makes a store with a few hundred records and events in it; gives the bytes of its file.
fn filled(data: &Path) -> u64 {
    let mut daemon: Daemon = Start::suite(vault()).data(data).run();
    for _ in 0..15 {
        daemon.client().post("/api/vault/coins", &json!({})).expect_status(200);
    }
    let report = daemon.admin().post("/api/_admin/store/verify", &json!({})).expect_status(200).body;
    assert_eq!((&report["ok"], &report["report"]["events"]), (&json!(true), &json!(300)), "{report}");
    assert!(daemon.stop().expect("it stops").success());
    std::fs::metadata(data.join("data.mdb")).expect("the store's file").len()
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
