//! What survives, what is undone, and what is noticed.

use super::*;
use crate::folder::STORE_FORMAT;
use crate::{Notice, StoreError};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

#[test]
fn group_commit_makes_one_flush_for_many() {
    let bench = Bench::new();
    let before = bench.store.metrics();
    let units = 500;
    let waiting: Vec<_> = (0..units)
        .map(|n| bench.decide(bench.writing(put(&format!("r{n}"), 0, &json!({ "total": n })))).expect("decided").synced)
        .collect();
    for synced in waiting {
        synced.wait().expect("synced");
    }
    let after = bench.store.metrics();
    assert_eq!(after.units - before.units, units);
    assert!(after.batches - before.batches < units / 2, "{after:?}");
    assert_eq!(after.queue_units, 0);
}

#[test]
fn what_is_synced_is_there_after_reopening() {
    let bench = Bench::new();
    bench.settle(bench.writing(put("a", 0, &json!({"number": "1", "total": i64::MIN}))));
    let bill = bench.bill("a");
    let store = bench.store.stats().expect("stats").store;
    let bench = bench.reopened();
    assert_eq!(bench.bill("a"), bill);
    assert_eq!(bench.store.stats().expect("stats").store, store);
    assert_eq!(bench.store.collection("ap_bills"), Some(bills()));
    assert_eq!(bench.tenant.name(), "Demo");
}

#[test]
fn sequences_are_gapless_over_reopen() {
    let mut bench = Bench::new();
    for round in 0..3 {
        for n in 0..4 {
            bench.settle(bench.publishing(event(&format!("e{round}-{n}"), "ap.bill.approved")));
        }
        // A refused unit uses up no sequence.
        assert!(bench.decide(bench.publishing(event("e0-0", "ap.bill.approved"))).is_err());
        bench = bench.reopened();
    }
    let view = bench.store.view().expect("view");
    let events = events(&view, crate::EventFilter::default(), 0, 100);
    let sequences: Vec<u64> = events.iter().map(|event| event.sequence.0).collect();
    assert_eq!(sequences, (1..=12).collect::<Vec<_>>());
    assert!(bench.store.verify().expect("verify").is_sound());
}

#[test]
fn a_synced_view_sees_nothing_that_a_failed_flush_can_undo() {
    let bench = Bench::new();
    bench.settle(bench.writing(put("a", 0, &json!({"total": 1}))));
    let seen = |view: &crate::View| {
        let totals = ["a", "b"].map(|id| view.get(&bench.scope(), "ap_bills", id).expect("get"));
        totals.map(|record| record.map(|record| record.fields["total"].clone()))
    };
    let (before, decided) = ([Some(json!(1)), None], [Some(json!(2)), Some(json!(3))]);
    // The flush may be quicker than the look at what it undoes.
    for _ in 0..1_000 {
        let record = bench.store.view().expect("view").get(&bench.scope(), "ap_bills", "a").expect("get");
        let changed = put("a", record.expect("a record").revision, &json!({"total": 2}));
        bench.fail_next_flush();
        let both = Unit { writes: vec![changed, put("b", 0, &json!({"total": 3}))], awaited: false, ..bench.unit() };
        let undone = bench.decide(both).expect("decided");
        let (newest, synced) = (bench.store.view().expect("view"), bench.store.synced_view().expect("view"));
        assert_eq!((newest.is_synced(), synced.is_synced()), (false, true));
        assert_eq!(seen(&synced), before);
        assert!(undone.synced.wait().is_err(), "it was undone");
        assert_eq!(seen(&bench.store.view().expect("view")), before);
        if seen(&newest) == decided {
            return;
        }
    }
    panic!("the flush was quicker each time");
}

#[test]
fn what_nobody_waits_for_reaches_the_disk_by_itself() {
    let bench = Bench::new();
    let unit = Unit { awaited: false, ..bench.writing(put("b1", 0, &json!({"total": 1}))) };
    let decided = bench.decide(unit).expect("decided");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while bench.store.flushes().borrow().position < decided.position {
        assert!(std::time::Instant::now() < deadline, "it lies there for ever");
        std::thread::yield_now();
    }
}

/// An answer waits by the epoch it began in: a new flush of a new epoch does not vouch for what an old one lost.
#[test]
fn what_was_undone_while_an_answer_waited_is_never_said_to_be_synced() {
    let bench = Bench::new();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
    let epoch = bench.store.epoch();
    let lying = Unit { awaited: false, ..bench.publishing(event("e1", "ap.bill.approved")) };
    bench.fail_next_flush();
    bench.decide(lying).expect("decided");
    bench.decide(bench.writing(put("lost", 0, &json!({})))).expect("decided").synced.wait().expect_err("undone");
    let now = bench.store.epoch();
    runtime.block_on(bench.store.synced_since(now)).expect("nothing of this epoch waits");
    bench.settle(bench.publishing(event("e2", "ap.bill.approved")));
    runtime.block_on(bench.store.synced_since(epoch)).expect_err("its epoch is over");
    runtime.block_on(bench.store.synced_through(epoch, Sequence(1))).expect_err("another event has its place");
    runtime.block_on(bench.store.synced_since(bench.store.epoch())).expect("all of this epoch is there");
}

/// Whoever waits for an event waits for its flush, not for the next one that a later unit needs.
#[test]
fn an_event_on_disk_waits_for_no_later_unit() {
    let bench = Bench::new();
    let epoch = bench.store.epoch();
    let published = bench.settle(bench.publishing(event("e1", "ap.bill.approved")));
    let later = Unit { awaited: false, ..bench.publishing(event("e2", "ap.bill.approved")) };
    let later = bench.decide(later).expect("decided");
    assert!(is_ready(bench.store.synced_through(epoch, published.events[0].sequence)), "it is on disk");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
    runtime.block_on(bench.store.synced_through(epoch, later.events[0].sequence)).expect("flushed for the asking");
    assert!(bench.store.flushes().borrow().position >= later.position);
}

fn is_ready<T>(future: impl Future<Output = Result<T, StoreError>>) -> bool {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    matches!(std::pin::pin!(future).poll(&mut context), std::task::Poll::Ready(Ok(_)))
}

/// If a flush fails, everything decided above the disk goes with it.
#[test]
fn undone_units_leave_nothing() {
    let bench = Bench::new();
    bench.settle(bench.publishing(event("e1", "ap.bill.approved")));
    bench.settle(bench.writing(put("kept", 0, &json!({"total": 1}))));
    let notices = Arc::new(Mutex::new(Vec::new()));
    bench.store.observe({
        let notices = Arc::clone(&notices);
        move |notice| {
            let line = match notice {
                Notice::Decided { events, .. } => format!("decided {}", events[0].sequence),
                Notice::Undone { epoch, sequence } => format!("undone to {sequence} in {epoch}"),
            };
            notices.lock().expect("notices").push(line);
        }
    });
    let old_view = bench.store.view().expect("view");
    old_view.get(&bench.scope(), "ap_bills", "kept").expect("get");
    bench.fail_next_flush();
    let events = vec![event("e2", "ap.bill.approved")];
    let unit = Unit { events, ..bench.writing(put("large0", 0, &json!({ "status": "lost" }))) };
    let decided = bench.decide(unit).expect("decided");
    assert_eq!(decided.events[0].sequence, Sequence(2));
    let error = decided.synced.wait().expect_err("undone");
    assert!(matches!(error, StoreError::Full { .. }), "{error}");

    assert_eq!(bench.store.epoch(), 1);
    assert_eq!(*bench.store.epochs().borrow(), 1);
    assert_eq!(bench.bill("large0"), None);
    let view = bench.store.view().expect("view");
    assert_eq!(view.sequence(), Sequence(1));
    assert_eq!(view.event(Sequence(2)).expect("event"), None);
    let stale = bench.store.decide(bench.writing(put("b", 0, &json!({}))), old_view.into_reads());
    assert!(matches!(stale, Err(Refused::Conflict { .. })), "a view of an older epoch");
    let stale = Unit { epoch: Some(0), ..bench.unit() };
    assert!(matches!(bench.decide(stale), Err(Refused::Conflict { .. })), "a cause of an older epoch");

    // The store goes on, and the sequence is used by the next event.
    let next = bench.settle(bench.publishing(event("e3", "ap.bill.approved")));
    assert_eq!(next.events[0].sequence, Sequence(2));
    assert_eq!(*notices.lock().expect("notices"), ["decided 2", "undone to 1 in 1", "decided 2"]);
    assert!(bench.store.verify().expect("verify").is_sound());
}

#[test]
fn past_the_high_water_mark_only_growth_is_refused() {
    let bench = Bench::with_map(1024 * 1024);
    let text = "x".repeat(60_000);
    let mut n = 0;
    let refused = loop {
        match bench.decide(bench.writing(put(&format!("r{n}"), 0, &json!({ "status": text })))) {
            Ok(decided) => decided.synced.wait().expect("synced"),
            Err(refused) => break refused,
        }
        n += 1;
    };
    assert!(matches!(refused, Refused::Full { .. }), "{refused}");
    assert!(matches!(bench.decide(bench.publishing(event("e", "a.b"))), Err(Refused::Full { .. })));
    for gone in 0..n {
        bench.settle(bench.writing(delete(&format!("r{gone}"), 1)));
    }
    bench.store.settle_into_map().expect("moved");
    bench.settle(bench.publishing(event("e", "a.b")));
}

/// An operator may allow a store less than it holds. What makes it smaller needs room in the map, and nobody has to ask
/// for what is in the log to be counted as what it comes to.
#[test]
fn a_store_that_is_larger_than_it_may_be_is_opened_and_made_smaller() {
    const RECORDS: usize = 200;
    let bench = Bench::new();
    for n in 0..RECORDS {
        bench.settle(bench.writing(put(&format!("r{n}"), 0, &json!({ "status": "x".repeat(60_000) }))));
    }
    let Bench { dir, store, tenant } = bench;
    let id = tenant.id().clone();
    drop((store, tenant));
    let store = Store::open(dir.path(), Options { map_bytes: 1 << 20, ..Options::default() }).expect("opened");
    let tenant = store.tenant(&id).expect("tenant");
    let bench = Bench { dir, store, tenant };
    let publish = |id: &str| bench.decide(bench.publishing(event(id, "a.b")));
    assert!(matches!(publish("e1"), Err(Refused::Full { .. })));
    for n in 0..RECORDS {
        bench.settle(bench.writing(delete(&format!("r{n}"), 1)));
    }
    let until = Instant::now() + Duration::from_secs(20);
    let mut n = 0;
    while let Err(refusal) = publish("e2") {
        assert!(matches!(refusal, Refused::Full { .. }) && Instant::now() < until, "{refusal}");
        // Never idle, so that nothing is moved for want of something to do, and by far too little to fill the log.
        n += 1;
        assert!(n < 400, "what was deleted is not counted");
        std::thread::sleep(Duration::from_millis(5));
        bench.settle(Unit { meta: vec![("n".to_owned(), Some(json!(n)))], ..bench.unit() });
    }
    assert!(bench.store.verify().expect("verify").is_sound());
}

#[test]
fn nobody_else_may_read_the_files_that_hold_records() {
    let bench = Bench::new();
    bench.settle(bench.writing(put("a", 0, &json!({"number": "1"}))));
    for name in ["data.mdb", "store.log.0", "store.log.1"] {
        let mode = std::fs::metadata(bench.dir.path().join(name)).expect(name).permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name}: {mode:o}");
    }
}

#[test]
fn a_folder_in_use_is_refused() {
    let bench = Bench::new();
    let error = Store::open(bench.dir.path(), Options::default()).expect_err("in use");
    let StoreError::InUse { folder, pid } = &error else { panic!("{error}") };
    assert_eq!(folder, bench.dir.path());
    assert_eq!(pid, &std::process::id().to_string());
    bench.reopened();
}

/// The file is still mapped then.
#[test]
fn a_folder_is_in_use_as_long_as_a_view_is() {
    let Bench { dir, store, tenant } = Bench::new();
    let view = store.view().expect("view");
    drop((store, tenant));
    assert!(matches!(Store::open(dir.path(), options()), Err(StoreError::InUse { .. })));
    drop(view);
    open(&dir);
}

#[test]
fn newer_format_is_refused() {
    let Bench { dir, store, tenant } = Bench::new();
    drop((store, tenant));
    let path = dir.path().join("store.format");
    let text = std::fs::read_to_string(&path).expect("format");
    std::fs::write(&path, text.replace(&format!("format {STORE_FORMAT}"), &format!("format {}", STORE_FORMAT + 1)))
        .expect("write");
    let before = std::fs::read(dir.path().join("data.mdb")).expect("data");
    let error = Store::open(dir.path(), Options::default()).expect_err("newer");
    assert!(
        matches!(error, StoreError::Newer { found, known: STORE_FORMAT, .. } if found == STORE_FORMAT + 1),
        "{error}"
    );
    assert_eq!(std::fs::read(dir.path().join("data.mdb")).expect("data"), before, "nothing was touched");
}

/// Whatever is left of a store tells that there was one, and in which format it lies nothing says any more.
#[test]
fn a_store_that_lost_its_format_is_refused_and_left_as_it_is() {
    let bench = Bench::new();
    bench.settle(bench.writing(put("kept", 0, &json!({ "total": 1 }))));
    let Bench { dir, store, tenant } = bench;
    drop((store, tenant));
    let at = |name: &str| dir.path().join(name);
    let format = std::fs::read(at("store.format")).expect("format");
    std::fs::remove_file(at("store.format")).expect("remove");
    let refused = |by: &str| {
        let before = std::fs::read(at("data.mdb")).ok();
        for error in [
            Store::open(dir.path(), options()).expect_err("no format"),
            crate::verify_folder(dir.path(), None).expect_err("no format"),
        ] {
            assert_eq!(error.code(), contract_model::ErrorCode::StoreDamaged);
            let text = error.to_string();
            assert!(text.contains(&format!("holds a store ({by}) and no store.format")), "{text}");
        }
        assert!(!at("store.format").exists() && std::fs::read(at("data.mdb")).ok() == before, "it was touched");
    };
    refused("store.anchor");
    // Nothing but the anchor tells of it.
    let data = std::fs::read(at("data.mdb")).expect("data");
    std::fs::remove_file(at("data.mdb")).expect("removed");
    refused("store.anchor");
    std::fs::write(at("store.log.0"), "").expect("written");
    refused("store.log.0, store.anchor");
    std::fs::remove_file(at("store.log.0")).expect("removed");
    // Nothing but what its map holds.
    std::fs::write(at("data.mdb"), data).expect("written");
    std::fs::remove_file(at("store.anchor")).expect("removed");
    let error = Store::open(dir.path(), options()).expect_err("no format");
    assert!(error.to_string().contains("holds a store (data.mdb)"), "{error}");
    std::fs::write(at("store.format"), format).expect("written");
    assert_eq!(open(&dir).stats().expect("stats").format, STORE_FORMAT, "with its format it is there again");
}

/// A kill while a folder is being set up leaves a map that holds the store's id, or nothing.
#[test]
fn a_folder_whose_setting_up_was_cut_off_is_set_up() {
    for with_id in [true, false] {
        let dir = TempDir::new().expect("folder");
        let disk = crate::disk::Disk::open(dir.path(), MAP_BYTES, crate::vault::Vault::default()).expect("a map");
        if with_id {
            let key = crate::small::store_id_key();
            let sealed = crate::seal::seal(&key, b"0123");
            disk.write(&crate::overlay::Overlay::unit(key, Some(sealed))).expect("written");
        }
        drop(disk);
        drop(open(&dir));
        let format = std::fs::read_to_string(dir.path().join("store.format")).expect("format");
        assert_eq!(format.contains("store 0123\n"), with_id, "{format}");
        drop(open(&dir));
    }
}

#[test]
fn a_store_that_lost_its_file_is_not_opened_as_empty() {
    let Bench { dir, store, tenant } = Bench::new();
    drop((store, tenant));
    std::fs::remove_file(dir.path().join("data.mdb")).expect("remove");
    let error = Store::open(dir.path(), options()).expect_err("lost");
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    assert!(!dir.path().join("data.mdb").exists(), "an empty one was made");
    std::fs::write(dir.path().join("data.mdb"), "").expect("write");
    let error = Store::open(dir.path(), options()).expect_err("cut to nothing");
    assert!(error.to_string().contains("its file data.mdb is empty"), "{error}");
    assert_eq!(
        std::fs::metadata(dir.path().join("data.mdb")).expect("the file").len(),
        0,
        "a new store was begun in it"
    );
}

#[test]
fn a_flipped_byte_is_refused_when_it_is_read_and_by_the_next_start() {
    let bench = Bench::new();
    bench.settle(bench.writing(put("victim", 0, &json!({"status": "needle-in-the-file"}))));
    bench.store.settle_into_map().expect("moved");
    let path = bench.dir.path().join("data.mdb");
    let bytes = std::fs::read(&path).expect("data");
    // Every copy but those in keys: a record's text follows its field's name.
    let needle = b"status\x72needle-in-the-file";
    let places: Vec<usize> = (0..bytes.len() - needle.len()).filter(|at| bytes[*at..].starts_with(needle)).collect();
    assert!(!places.is_empty());
    // Under the running store, as a bad disk would.
    let file = std::fs::OpenOptions::new().write(true).open(&path).expect("data");
    for at in places {
        file.write_all_at(&[bytes[at + 10] ^ 1], at as u64 + 10).expect("write");
    }
    let error = bench.store.view().expect("view").get(&bench.scope(), "ap_bills", "victim").expect_err("damaged");
    assert_eq!(error.to_string(), "record `victim` of `ap_bills` is damaged; restore it from a backup");
    assert!(!bench.store.verify().expect("verify").is_sound());

    let Bench { dir, store, tenant } = bench;
    drop((store, tenant));
    let error = Store::open(dir.path(), options()).expect_err("damaged");
    assert!(error.to_string().contains("record `victim` of `ap_bills` of tenant `demo`"), "{error}");
    assert_eq!(error.code(), contract_model::ErrorCode::StoreDamaged);
}

#[test]
fn a_closed_store_refuses_and_keeps_what_it_took() {
    let bench = Bench::new();
    let last = bench.decide(bench.writing(put("a", 0, &json!({})))).expect("decided");
    bench.store.close();
    last.synced.wait().expect("written on the way out");
    assert!(matches!(bench.decide(bench.unit()), Err(Refused::Failed(StoreError::Closed))));
    assert!(bench.reopened().bill("a").is_some());
}

/// Not yet in the map, but in the log: a start lays it over the map, goes on, and moves it later.
#[test]
fn what_a_kill_left_in_the_log_is_there_and_goes_on() {
    let bench = Bench::new();
    let before = bench.store.stats().expect("stats").entries["log"];
    (0..5).for_each(|n| drop(bench.settle(bench.publishing(event(&format!("e{n}"), "ap.bill.approved")))));
    let killed = TempDir::new().expect("folder");
    for entry in std::fs::read_dir(bench.dir.path()).expect("folder").flatten() {
        std::fs::copy(entry.path(), killed.path().join(entry.file_name())).expect("copied");
    }
    drop(bench);
    let store = open(&killed);
    let tenant = store.tenant(&tenant_id("demo")).expect("tenant");
    let bench = Bench { dir: killed, store, tenant };
    assert_eq!((bench.store.stats().expect("stats").events, before), (5, 0));
    bench.settle(bench.publishing(event("e5", "ap.bill.approved")));
    bench.store.settle_into_map().expect("moved");
    let stats = bench.store.stats().expect("stats");
    assert_eq!((stats.events, stats.entries["log"]), (6, 6));
    assert_eq!(bench.store.metrics().log_bytes, 0);
    assert!(bench.store.verify().expect("verify").is_sound());
}

#[test]
fn a_store_closed_in_order_leaves_no_log() {
    let bench = Bench::new();
    bench.settle(bench.publishing(event("e", "ap.bill.approved")));
    let log = bench.dir.path().join("store.log.0");
    assert!(log.exists());
    bench.store.close();
    assert!(!log.exists() && !bench.dir.path().join("store.log.1").exists());
    assert_eq!(bench.reopened().store.stats().expect("stats").entries["log"], 1);
}

/// The frame of a flush that failed may have reached the disk all the same.
#[test]
fn what_was_undone_is_not_found_after_a_kill() {
    let bench = Bench::new();
    bench.settle(bench.publishing(event("kept", "ap.bill.approved")));
    bench.fail_next_flush();
    bench
        .decide(bench.publishing(event("lost", "ap.bill.approved")))
        .expect("decided")
        .synced
        .wait()
        .expect_err("undone");
    bench.settle(bench.publishing(event("next", "ap.bill.approved")));
    let killed = TempDir::new().expect("folder");
    for entry in std::fs::read_dir(bench.dir.path()).expect("folder").flatten() {
        std::fs::copy(entry.path(), killed.path().join(entry.file_name())).expect("copied");
    }
    let store = open(&killed);
    let view = store.view().expect("view");
    let events = events(&view, crate::EventFilter::default(), 0, 10);
    assert_eq!(events.iter().map(|event| event.id.as_str()).collect::<Vec<_>>(), ["kept", "next"]);
    assert!(store.verify().expect("verify").is_sound());
}

/// A folder of the format that knew no log is opened, and then refused by whoever knows only that one.
#[test]
fn a_folder_without_log_is_upgraded() {
    let bench = Bench::new();
    bench.settle(bench.publishing(event("e", "ap.bill.approved")));
    let Bench { dir, store, tenant } = bench;
    drop((store, tenant));
    let path = dir.path().join("store.format");
    let text = std::fs::read_to_string(&path).expect("format");
    let before = text.replace(&format!("format {STORE_FORMAT}"), "format 1");
    assert_ne!(before, text);
    std::fs::write(&path, before).expect("written");
    assert_eq!(open(&dir).stats().expect("stats").events, 1);
    assert_eq!(std::fs::read_to_string(&path).expect("format"), text);
}

/// The disk is full until the end: what is synced stays in the log, and what was undone does not come back.
#[test]
fn a_store_that_ends_without_moving_its_log_begins_where_it_ended() {
    let bench = Bench::new();
    bench.settle(bench.writing(put("kept", 0, &json!({ "total": 1 }))));
    bench.fail_moves();
    let error = bench.store.settle_into_map().expect_err("nothing can be moved");
    assert!(matches!(error, StoreError::Full { .. }), "{error}");
    assert!(matches!(bench.decide(bench.publishing(event("e", "a.b"))), Err(Refused::Failed(StoreError::Full { .. }))));
    bench.fail_next_flush();
    let lost = bench.decide(bench.writing(delete("kept", 1))).expect("decided");
    lost.synced.wait().expect_err("undone");
    bench.store.close();
    assert!(bench.dir.path().join("store.log.0").exists(), "it is not in the map");
    let bench = bench.reopened();
    assert!(bench.bill("kept").is_some());
    assert!(bench.store.verify().expect("verify").is_sound());
}
