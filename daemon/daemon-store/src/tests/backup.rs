//! Backups: whole or none, the same content when restored, and every damage to one is seen.

use super::damage::{Dice, churned, closed};
use super::*;
use crate::{Backup, StoreError, back_up, check_backup, restore, verify_folder};

const FLIPS: u64 = 1_500;
const CUTS: usize = 150;

fn backed_up(bench: &Bench) -> (Vec<u8>, Backup) {
    let mut bytes = Vec::new();
    let backup = bench.store.back_up(1_700_000_000_000, &mut bytes).expect("backed up");
    (bytes, backup)
}

fn invalid(bytes: &[u8]) -> String {
    match check_backup(&mut &*bytes) {
        Err(StoreError::BackupInvalid { why }) => why,
        other => panic!("{other:?}"),
    }
}

fn broken_off(bytes: &[u8]) -> String {
    match check_backup(&mut &*bytes) {
        Err(StoreError::BrokenOff { why }) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_restored_store_holds_what_was_backed_up_and_goes_on() {
    let bench = Bench::new();
    churned(&bench, 120);
    let (bytes, backup) = backed_up(&bench);
    assert_eq!(check_backup(&mut bytes.as_slice()).expect("whole"), backup);
    let before = bench.store.verify().expect("verify");
    bench.settle(bench.publishing(event("later", "ap.bill.approved")));

    let to = TempDir::new().expect("folder");
    let (file, data) = (to.path().join("b"), to.path().join("data"));
    std::fs::write(&file, &bytes).expect("written");
    let restored = restore(&file, None, &data, false).expect("restored");
    assert_eq!((&restored.report, &restored.backup, restored.replaced), (&before, &backup, None));
    let (head, store) = (&backup.head, bench.store.stats().expect("stats").store);
    assert_eq!((head.sequence, &head.store, head.chains.len()), (120, &store, 1));
    let closed = closed(bench);
    let mut at_rest = Vec::new();
    let later = back_up(closed.path(), None, 0, HOUR, &mut at_rest).expect("backed up");
    assert_eq!((later.head.sequence, check_backup(&mut at_rest.as_slice()).expect("whole")), (121, later));

    let again = Store::open(&data, options()).expect("open");
    let tenant = again.tenant(&tenant_id("demo")).expect("tenant");
    assert_eq!(again.stats().expect("stats").store, store);
    // What was acknowledged after the backup is not known; what was before it still is.
    let publish =
        |id| again.decide(Unit { events: vec![event(id, "a.b")], ..Unit::new(tenant.clone(), 1) }, ReadSet::none());
    assert!(matches!(publish("e7"), Err(Refused::EventExists { .. })));
    let next = publish("later").expect("decided");
    assert_eq!(next.events[0].sequence, Sequence(121));
    next.synced.wait().expect("synced");
    assert!(again.verify().expect("verify").is_sound(), "the chain goes on");
}

#[test]
fn a_backup_beside_a_writer_is_the_store_as_it_was_at_one_moment() {
    let bench = Bench::new();
    let mut taken = 0;
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| churned(&bench, 200));
        while !writer.is_finished() || taken == 0 {
            let (bytes, backup) = backed_up(&bench);
            let to = TempDir::new().expect("folder");
            std::fs::write(to.path().join("b"), bytes).expect("written");
            let restored = restore(&to.path().join("b"), None, &to.path().join("data"), false).expect("restored");
            assert_eq!(restored.report.events, backup.head.sequence);
            taken += 1;
        }
    });
    assert!(taken > 2, "{taken} backups are too few to meet the writer");
}

#[test]
fn every_flip_and_cut_of_a_backup_is_seen() {
    let bench = Bench::new();
    churned(&bench, 40);
    let (bytes, _) = backed_up(&bench);
    let mut dice = Dice(3);
    for _ in 0..FLIPS {
        let (at, bit) = (usize::try_from(dice.below(bytes.len() as u64)).expect("a place"), dice.below(8));
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << bit;
        invalid(&flipped);
    }
    for cut in 0..CUTS {
        invalid(&bytes[..bytes.len() * cut / CUTS]);
    }
    assert!(invalid(&[&bytes[..], b"x"].concat()).contains("follows after its end"));
    assert!(invalid(&bytes[..bytes.len() - 1]).contains("it ends too early"));
    assert!(invalid(b"SQLite format 3\0 and more").contains("does not begin as one"));
}

#[test]
fn a_folder_with_something_in_it_is_refused_until_told_and_then_put_aside() {
    let bench = Bench::new();
    churned(&bench, 10);
    let file = bench.dir.path().with_extension("backup");
    std::fs::write(&file, backed_up(&bench).0).expect("written");
    assert!(matches!(restore(&file, None, bench.dir.path(), true), Err(StoreError::InUse { .. })));
    let dir = closed(bench);
    let data = std::fs::read(dir.path().join("data.mdb")).expect("data");
    let error = restore(&file, None, dir.path(), false).expect_err("occupied");
    assert!(error.to_string().contains("is not empty (data.mdb, store.anchor, store.format)"), "{error}");
    assert_eq!(std::fs::read(dir.path().join("data.mdb")).expect("data"), data, "nothing was touched");
    for n in 1..3 {
        let aside = restore(&file, None, dir.path(), true).expect("restored").replaced.expect("put aside");
        assert!(aside.ends_with(format!("replaced-{n}")) && aside.join("data.mdb").exists(), "{aside:?}");
        assert_eq!(open(&dir).stats().expect("stats").events, 10);
    }
    assert_eq!(std::fs::read(dir.path().join("replaced-1/data.mdb")).expect("data"), data);
    std::fs::remove_file(file).expect("removed");
}

#[test]
fn what_an_interrupted_restore_left_is_not_opened_and_restored_over() {
    let bench = Bench::new();
    churned(&bench, 10);
    let to = TempDir::new().expect("folder");
    let (file, data) = (to.path().join("b"), to.path().join("data"));
    std::fs::write(&file, backed_up(&bench).0).expect("written");
    restore(&file, None, &data, false).expect("restored");
    // As after a kill at each of the last steps.
    std::fs::create_dir(data.join("restoring")).expect("a folder");
    for gone in ["store.format", "data.mdb", "store.lock"] {
        std::fs::remove_file(data.join(gone)).expect("removed");
        let error = Store::open(&data, options()).expect_err("unfinished");
        assert!(matches!(error, StoreError::Unfinished { .. }), "{error}");
    }
    restore(&file, None, &data, false).expect("restored");
    assert_eq!(Store::open(&data, options()).expect("open").stats().expect("stats").events, 10);
}

#[test]
fn a_damaged_store_is_not_backed_up_and_the_stream_says_why() {
    let bench = Bench::new();
    bench.settle(bench.writing(put("victim", 0, &json!({"status": "haystack"}))));
    let dir = closed(bench);
    let bytes = std::fs::read(dir.path().join("data.mdb")).expect("data");
    let places = (0..bytes.len() - 8).filter(|at| bytes[*at..].starts_with(b"haystack"));
    super::damage::flip_all(dir.path(), &places.collect::<Vec<_>>());
    let mut stream = Vec::new();
    let error = back_up(dir.path(), None, 0, HOUR, &mut stream).expect_err("damaged");
    assert!(error.to_string().contains("record `victim` of `ap_bills`"), "{error}");
    assert!(broken_off(&stream).contains("record `victim` of `ap_bills`"));
    assert!(!verify_folder(dir.path(), None).expect("verify").is_sound());
}

#[test]
fn pages_that_are_kept_for_a_reader_are_told_until_it_is_gone() {
    let bench = Bench::new();
    let change = |revision: u64| {
        bench.settle(bench.writing(put("b", revision, &json!({"status": "s".repeat(9_000), "total": revision}))));
        bench.store.settle_into_map().expect("moved");
    };
    let kept = || {
        let stats = bench.store.stats().expect("stats");
        (stats.kept_bytes, stats.kept_ms)
    };
    (0..4).for_each(change);
    assert_eq!(kept(), (0, 0));
    let reader = bench.store.view().expect("view");
    (4..8).for_each(change);
    let (early, _) = kept();
    std::thread::sleep(std::time::Duration::from_millis(20));
    (8..12).for_each(change);
    let (late, ms) = kept();
    assert!(early > 9_000 && late >= early + 4 * 9_000 && ms >= 20, "{early} bytes, then {late}, for {ms} ms");
    drop(reader);
    change(12);
    assert_eq!(kept(), (0, 0));
}

#[test]
fn what_reads_for_too_long_is_ended_by_name() {
    let bench = Bench::new();
    churned(&bench, 20);
    let dir = closed(bench);
    let now = std::time::Duration::ZERO;
    let mut stream = Vec::new();
    let error = back_up(dir.path(), None, 0, now, &mut stream).expect_err("too long");
    assert_eq!(error.code(), contract_model::ErrorCode::StoreReadTooLong);
    let why = broken_off(&stream);
    assert!(why.contains("for longer than 0ms (STORE_READ_MS)"), "{why}");
    let mut lines = Vec::new();
    let error = crate::export_tenant(dir.path(), None, &tenant_id("demo"), 0, now, &mut lines).expect_err("too long");
    assert_eq!(error.code(), contract_model::ErrorCode::StoreReadTooLong);
    let unread = crate::check_export(&mut lines.as_slice(), &mut |_, _, _| Ok(())).expect_err("not whole");
    assert!(unread.to_string().contains("for longer than 0ms"), "{unread}");
}
