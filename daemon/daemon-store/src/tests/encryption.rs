//! Stores with a key: nothing of what they hold can be read without it, and nothing changes under another one.

use super::damage::{Dice, churned, closed};
use super::*;
use crate::{StoreError, StoreKey, VerifyReport, back_up, check_backup, export_tenant, rekey, restore, verify_folder};
use std::path::Path;

/// What must be found nowhere: in no index, so in no key.
const SECRET: &str = "quercus-robur";
const FLIPS: u64 = 120;

fn key(digits: &str) -> StoreKey {
    StoreKey::parse(&digits.repeat(32)).expect("a key")
}

fn with(key: Option<&StoreKey>) -> Options {
    Options { key: key.cloned(), ..options() }
}

/// A store with a record and an event that hold the secret, and many that do not.
fn filled(key: Option<&StoreKey>) -> Bench {
    let bench = Bench::with(with(key));
    churned(&bench, 40);
    let mut event = event("told", "ap.bill.approved");
    event.event.payload = json!({ "secret": SECRET });
    let note = put_in("gl_notes", "note", 0, &json!({ "text": SECRET }));
    bench.settle(Unit { events: vec![event], ..bench.writing(note) });
    bench
}

fn copied(from: &Path) -> TempDir {
    let to = TempDir::new().expect("folder");
    for file in std::fs::read_dir(from).expect("the folder") {
        let path = file.expect("a file").path();
        if path.is_file() {
            std::fs::copy(&path, to.path().join(path.file_name().expect("a name"))).expect("copied");
        }
    }
    to
}

/// The files in which a text stands.
fn grep(folder: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for file in std::fs::read_dir(folder).expect("the folder") {
        let path = file.expect("a file").path();
        if path.is_dir() {
            found.extend(grep(&path, text));
        } else if std::fs::read(&path).expect("read").windows(text.len()).any(|part| part == text.as_bytes()) {
            found.push(path.file_name().expect("a name").to_string_lossy().into_owned());
        }
    }
    found.sort();
    found
}

fn look(folder: &Path, key: Option<&StoreKey>) -> VerifyReport {
    let report = verify_folder(folder, key).expect("verify");
    assert_eq!(report.findings, [""; 0]);
    report
}

#[test]
fn what_a_store_with_a_key_holds_stands_in_none_of_its_files() {
    let right = key("a1");
    for (key, in_log, in_map, in_backup) in
        [(Some(&right), &[][..], &[][..], false), (None, &["store.log.0"][..], &["data.mdb"][..], true)]
    {
        let bench = filled(key);
        // As a kill leaves it, with the newest in the log.
        let killed = copied(bench.dir.path());
        assert_eq!(grep(killed.path(), SECRET), in_log);
        bench.store.settle_into_map().expect("moved");
        let dir = closed(bench);
        assert_eq!(grep(dir.path(), SECRET), in_map);
        let mut bytes = Vec::new();
        back_up(dir.path(), key, 0, HOUR, &mut bytes).expect("backed up");
        assert_eq!(bytes.windows(SECRET.len()).any(|part| part == SECRET.as_bytes()), in_backup);
        let mut lines = Vec::new();
        export_tenant(dir.path(), key, &tenant_id("demo"), 0, HOUR, &mut lines).expect("exported");
        assert!(String::from_utf8_lossy(&lines).contains(SECRET), "an export is for others to read");
        // What the kill left is read back with the key, too.
        assert_eq!(look(killed.path(), key).content, look(dir.path(), key).content);
        let again = Store::open(killed.path(), with(key)).expect("open");
        assert_eq!(again.stats().expect("stats").key, key.map(|key| key.id().to_string()));
        let tenant = again.tenant(&tenant_id("demo")).expect("tenant");
        let note = again.view().expect("view").get(&tenant.into(), "gl_notes", "note").expect("get").expect("a note");
        assert_eq!(note.fields["text"], SECRET);
    }
}

#[test]
fn without_its_key_a_store_is_refused_by_name_and_left_as_it_is() {
    let (right, wrong) = (key("a1"), key("b2"));
    let (sealed, plain) = (closed(filled(Some(&right))), closed(filled(None)));
    let mut backup = Vec::new();
    back_up(sealed.path(), Some(&right), 0, HOUR, &mut backup).expect("backed up");
    let to = TempDir::new().expect("folder");
    std::fs::write(to.path().join("b"), &backup).expect("written");
    check_backup(&mut backup.as_slice()).expect("that it is whole is seen without a key");
    for (folder, key, code) in [
        (&sealed, None, "STORE_KEY_MISSING"),
        (&sealed, Some(&wrong), "STORE_KEY_WRONG"),
        (&plain, Some(&right), "STORE_KEY_WRONG"),
    ] {
        let before = std::fs::read(folder.path().join("data.mdb")).expect("data");
        let folder = folder.path();
        let mut nowhere = Vec::new();
        let mut refused = vec![
            Store::open(folder, with(key)).expect_err("refused"),
            verify_folder(folder, key).expect_err("refused"),
            back_up(folder, key, 0, HOUR, &mut nowhere).expect_err("refused"),
            export_tenant(folder, key, &tenant_id("demo"), 0, HOUR, &mut nowhere).expect_err("refused"),
            crate::accept_older(folder, key).expect_err("refused"),
            rekey(folder, key, None, &mut |_| ()).expect_err("refused"),
        ];
        if folder == sealed.path() {
            refused.push(restore(&to.path().join("b"), key, &to.path().join("data"), false).expect_err("refused"));
            assert!(!to.path().join("data").exists(), "nothing was made");
        }
        for error in refused {
            assert_eq!(error.code().as_str(), code, "{error}");
        }
        assert_eq!(std::fs::read(folder.join("data.mdb")).expect("data"), before);
    }
    let restored = restore(&to.path().join("b"), Some(&right), &to.path().join("data"), false).expect("restored");
    assert_eq!(restored.report.content, look(sealed.path(), Some(&right)).content);
    drop(Store::open(&to.path().join("data"), with(Some(&right))).expect("open"));
}

#[test]
fn a_store_gets_a_key_another_one_and_none_and_stays_the_same() {
    let (first, second) = (key("a1"), key("b2"));
    let bench = filled(None);
    // The newest is in the log, as after a kill.
    let dir = copied(bench.dir.path());
    drop(bench);
    let content = look(dir.path(), None).content;
    for (from, to) in [(None, Some(&first)), (Some(&first), Some(&second)), (Some(&second), None)] {
        let report = rekey(dir.path(), from, to, &mut |_| ()).expect("done");
        assert_eq!(report.content, content);
        assert_eq!(look(dir.path(), to).content, content);
        assert_eq!(grep(dir.path(), SECRET).is_empty(), to.is_some());
        assert!(Store::open(dir.path(), with(from)).is_err());
        drop(Store::open(dir.path(), with(to)).expect("open"));
    }
}

#[test]
fn a_change_of_key_that_ends_at_any_point_leaves_the_old_store_or_the_new_one() {
    let (first, second) = (key("a1"), key("b2"));
    let bench = filled(Some(&first));
    let dir = copied(bench.dir.path());
    drop(bench);
    let content = look(dir.path(), Some(&first)).content;
    let image = |images: &mut Vec<(&'static str, TempDir)>, point| {
        let to = copied(dir.path());
        for sub in ["rekeying", "rekeyed"].into_iter().filter(|sub| dir.path().join(sub).exists()) {
            let within = copied(&dir.path().join(sub)).keep();
            std::fs::rename(within, to.path().join(sub)).expect("moved");
        }
        images.push((point, to));
    };
    let mut images = Vec::new();
    rekey(dir.path(), Some(&first), Some(&second), &mut |point| image(&mut images, point)).expect("done");
    // As after a kill between putting the map and the format in their places.
    let (_, made) = images.last().expect("images");
    let between = copied(made.path());
    let within = copied(&made.path().join("rekeyed")).keep();
    std::fs::rename(within, between.path().join("rekeyed")).expect("moved");
    std::fs::rename(between.path().join("rekeyed/data.mdb"), between.path().join("data.mdb")).expect("moved");
    images.push(("the new store counts", between));
    assert!(images.len() > 4, "{} points", images.len());
    for (point, image) in images {
        let counts = if point == "the new store counts" { &second } else { &first };
        drop(Store::open(image.path(), with(Some(counts))).unwrap_or_else(|error| panic!("{point}: {error}")));
        assert_eq!(look(image.path(), Some(counts)).content, content, "{point}");
        assert!(!image.path().join("rekeying").exists() && !image.path().join("rekeyed").exists(), "{point}");
        // It can be run again, from wherever it is.
        rekey(image.path(), Some(counts), Some(&second), &mut |_| ()).expect("done");
        assert_eq!(look(image.path(), Some(&second)).content, content, "{point}");
    }
}

#[test]
fn every_flipped_bit_of_a_sealed_store_is_reported_or_changes_nothing() {
    let right = key("a1");
    let bench = filled(Some(&right));
    let killed = copied(bench.dir.path());
    drop(bench);
    let sound = look(killed.path(), Some(&right)).content;
    let mut dice = Dice(3);
    let (mut reported, mut unchanged) = (0, 0);
    for name in ["data.mdb", "store.log.0"] {
        let path = killed.path().join(name);
        let bytes = std::fs::read(&path).expect("the file");
        let written: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] != 0).collect();
        for _ in 0..FLIPS {
            let at = written[usize::try_from(dice.below(written.len() as u64)).expect("a place")];
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << dice.below(8);
            std::fs::write(&path, flipped).expect("written");
            match verify_folder(killed.path(), Some(&right)) {
                Ok(report) if report.is_sound() => {
                    assert_eq!(report.content, sound, "byte {at} of {name}");
                    unchanged += 1;
                }
                Ok(_) | Err(StoreError::Damaged { .. } | StoreError::Older { .. } | StoreError::Truncated { .. }) => {
                    reported += 1;
                }
                Err(error) => panic!("byte {at} of {name}: {error}"),
            }
        }
        std::fs::write(&path, &bytes).expect("written back");
    }
    assert!(reported > 40 && unchanged > 5, "too little was tried: {reported}, {unchanged}");
}
