//! Stores of older formats, as they were written then: opened, upgraded, and safe wherever that ends.

mod large;
mod older;

use super::{MAP_BYTES, event, options, tenant_id};
use crate::chain::is_linked;
use crate::disk::Disk;
use crate::folder::{STORE_FORMAT, read_format};
use crate::key::Keyspace;
use crate::vault::Vault;
use crate::view::UNNOTED_THROUGH;
use crate::{NewEvent, ReadSet, Scope, Store, StoreError, Unit, back_up, restore, upgrade, verify_folder};
use contract_model::{PluginSlug, Sequence, SubscriptionId};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// What each fixture holds: the parts of `make` that were run on it, each with three records and events.
const FIXTURES: [(&str, &[&str]); 2] = [("format-1-first", &["first"]), ("format-1-last", &["first", "last"])];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/stores").join(name)
}

fn copied(from: &Path) -> TempDir {
    let to = TempDir::new().expect("folder");
    for file in std::fs::read_dir(from).expect("the fixture") {
        let path = file.expect("a file").path();
        std::fs::copy(&path, to.path().join(path.file_name().expect("a name"))).expect("copied");
    }
    to
}

fn open(folder: &Path) -> Result<Store, StoreError> {
    Store::open(folder, options())
}

/// Everything that was in the fixture is there, in the newest format.
fn check(folder: &Path, parts: &[&str]) {
    let store = open(folder).expect("opened");
    assert_eq!(read_format(folder).expect("format").expect("a note").format, STORE_FORMAT);
    let report = store.verify().expect("verify");
    assert_eq!(report.findings, [""; 0]);
    assert_eq!((report.events, report.records), (3 * parts.len() as u64, 3 * parts.len() as u64));
    let view = store.view().expect("view");
    let mut sequence = Sequence(0);
    for part in parts {
        for (n, tenant) in ["demo", "other", "demo"].into_iter().enumerate() {
            sequence = sequence.next();
            let tenant = store.tenant(&tenant_id(tenant)).expect("the tenant");
            let event = view.event(sequence).expect("read").expect("the event");
            assert_eq!((event.id.as_str(), &event.tenant), (format!("e-{part}-{n}").as_str(), tenant.id()));
            assert_eq!((event.expires_ms, event.roles), (None, vec!["gl.import".to_owned()]));
            let known = view.known(&tenant, &event.topic, &format!("key-{part}-{n}")).expect("read").expect("known");
            assert_eq!(known.sequence, sequence);
            let record = view.get(&Scope::Tenant(tenant), "ap_bills", &format!("{part}-{n}")).expect("read");
            assert_eq!(record.expect("the record").fields["total"], n);
        }
    }
    let subscription = SubscriptionId::new(&PluginSlug::new("gl").expect("slug"), "book");
    assert_eq!(view.cursor(&subscription).expect("cursor"), Sequence(sequence.0 - 2));
    drop(view);
    let tenant = store.tenant(&tenant_id("demo")).expect("the tenant");
    let NewEvent { event, .. } = event("later", "ap.bill.approved");
    let events = vec![NewEvent { event, payload_hash: String::new(), unique_until: None }];
    let decided = store.decide(Unit { events, ..Unit::new(tenant, 1) }, ReadSet::none()).expect("decided");
    decided.synced.wait().expect("synced");
    drop(store);
    assert_eq!(verify_folder(folder, None).expect("verify").findings, [""; 0]);
}

fn unlinked(folder: &Path) -> usize {
    let disk = Disk::open(folder, MAP_BYTES, Vault::default()).expect("disk");
    let mut count = 0;
    disk.rewrite(|map| {
        count = map.after(Keyspace::Log, &[], 100)?.iter().filter(|(_, value)| !is_linked(value)).count();
        Ok(())
    })
    .expect("read");
    count
}

#[test]
fn stores_of_format_1_are_upgraded_and_sound() {
    for (name, parts) in FIXTURES {
        let folder = copied(&fixture(name));
        assert_eq!(unlinked(folder.path()), 3, "the events from before the chain");
        check(folder.path(), parts);
        assert_eq!(unlinked(folder.path()), 0);
    }
}

#[test]
fn an_upgrade_that_ends_at_any_point_is_finished_by_the_next_start() {
    for (name, parts) in FIXTURES {
        let folder = copied(&fixture(name));
        let disk = Disk::open(folder.path(), MAP_BYTES, Vault::default()).expect("disk");
        let store = read_format(folder.path()).expect("format").expect("a note").store;
        let mut images = Vec::new();
        upgrade::run(folder.path(), &disk, &store, 1, &mut |point| images.push((point, copied(folder.path()))))
            .expect("upgraded");
        images.push(("the last step is made", copied(folder.path())));
        assert!(images.len() > 4, "{} points", images.len());
        for (point, image) in images {
            let note = read_format(image.path()).expect("format").expect("a note");
            assert!(note.outdated().is_none() || point != "the last step is made", "{point}");
            check(image.path(), parts);
        }
    }
}

#[test]
fn a_chain_that_was_broken_before_is_not_made_whole() {
    let folder = copied(&fixture("format-1-last"));
    let disk = Disk::open(folder.path(), MAP_BYTES, Vault::default()).expect("disk");
    disk.rewrite(|map| {
        let (key, mut value) = map.after(Keyspace::Log, &[], 100)?.pop().expect("an event");
        let at = value.windows(6).position(|bytes| bytes == b"last-2").expect("its payload");
        value[at] = b'p';
        map.put(&[&[Keyspace::Log as u8], &key[..]].concat(), &value)
    })
    .expect("written");
    drop(disk);
    let anchor = std::fs::read(folder.path().join("store.anchor")).expect("anchor");
    for _ in 0..2 {
        let error = open(folder.path()).expect_err("broken");
        assert!(error.to_string().contains("event 6 does not follow"), "{error}");
        assert_eq!(read_format(folder.path()).expect("format").expect("a note").format, 1, "it stays as it was");
    }
    assert_eq!(std::fs::read(folder.path().join("store.anchor")).expect("anchor"), anchor);
}

/// A backup says of which format it is, so that what is restored of it is upgraded, too.
#[test]
fn a_backup_of_an_older_format_is_upgraded_when_it_was_restored() {
    let to = TempDir::new().expect("folder");
    let restored = |name: &str, format: u32| {
        let (folder, data) = (copied(&fixture(name)), to.path().join(name));
        let file = to.path().join(format!("{name}.backup"));
        let mut bytes = Vec::new();
        let made = back_up(folder.path(), None, 0, super::HOUR, &mut bytes).expect("backed up");
        assert_eq!(made.head.format, format, "{name}");
        std::fs::write(&file, &bytes).expect("written");
        restore(&file, None, &data, false).expect("restored");
        data
    };
    check(&restored("format-1-last", 1), &["first", "last"]);
    let store = open(&restored("format-3", 3)).expect("opened");
    let unnoted = store.view().expect("view").meta(UNNOTED_THROUGH).expect("read");
    assert!(unnoted.is_some(), "it says up to where replies may not be noted");
    // What a store had no place for yet is not taken for damage.
    let folder = copied(&fixture("format-1-first"));
    let error = back_up(folder.path(), None, 0, super::HOUR, &mut Vec::new()).expect_err("too old");
    assert!(matches!(error, StoreError::Unfinished { .. }), "{error}");
    assert!(error.to_string().contains("start the daemon"), "{error}");
}

#[test]
fn a_program_that_knows_only_the_format_before_refuses_an_upgrade_under_way() {
    let folder = copied(&fixture("format-1-first"));
    let newer = STORE_FORMAT + 1;
    let id = read_format(folder.path()).expect("format").expect("a note").store;
    let note = format!("format {newer}\nstore {id}\nupgrading from {STORE_FORMAT}\n");
    std::fs::write(folder.path().join("store.format"), &note).expect("written");
    let error = open(folder.path()).expect_err("newer");
    assert!(matches!(error, StoreError::Newer { found, .. } if found == newer), "{error}");
    assert_eq!(std::fs::read_to_string(folder.path().join("store.format")).expect("read"), note);
}
