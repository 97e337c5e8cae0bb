//! One fault at a time, each with a checksum of its own, as an error of the store itself would leave it.

use super::damage::closed;
use super::*;
use crate::disk::Disk;
use crate::eventlog::{event_id_key, idempotency_key, log_key, story_prefix, topic_prefix};
use crate::key::{Key, KeyBuilder, Keyspace};
use crate::overlay::Overlay;
use crate::record::document_key;
use crate::seal::seal;
use crate::small::{cursor_key, delivery_key};
use crate::vault::Vault;
use crate::verify_folder;
use contract_model::{PluginSlug, SubscriptionId};

fn subscription() -> SubscriptionId {
    SubscriptionId::new(&PluginSlug::new("gl").expect("slug"), "post")
}

/// A store with records, references and events that were delivered.
fn filled() -> TempDir {
    let bench = Bench::new();
    let lines = json!({"name": "ap_lines", "fields": [
        {"name": "bill", "type": "reference", "ref": {"collection": "ap_bills"}}]});
    bench.store.declare(vec![serde_json::from_value(lines).expect("collection")]).expect("declared");
    for n in 0..4 {
        bench.settle(bench.writing(put(&format!("b{n}"), 0, &json!({"number": n.to_string(), "total": n}))));
        bench.settle(bench.writing(put_in("ap_lines", &format!("l{n}"), 0, &json!({"bill": format!("b{n}")}))));
        let mut new = event(&format!("e{n}"), "ap.bill.approved");
        new.event.idempotency_key = Some(format!("k{n}"));
        bench.settle(bench.publishing(new));
    }
    let handled = Some((subscription(), Sequence(3)));
    bench.settle(Unit { handled, cursors: vec![(subscription(), Sequence(1))], ..bench.unit() });
    closed(bench)
}

const TENANT: u32 = 1;
const EVENTS: u64 = 4;

/// What is wrong: the entry, the value that it gets if it is not removed, and what must be told.
fn faults(number: impl Fn(&str) -> u32) -> Vec<(Key, Option<Vec<u8>>, &'static str)> {
    let topic = TopicName::new("ap.bill.approved").expect("topic");
    let id = |n: &str| event_id_key(TENANT, &EventId::new(n).expect("id"));
    let sequence = |n: u64| Some(n.to_le_bytes().to_vec());
    let of_topic = |n: u64| topic_prefix(topic.as_str()).u64(n).finish();
    let of_story = |n: u64| story_prefix(TENANT, "story").u64(n).finish();
    let far = EVENTS + 5;
    vec![
        (log_key(Sequence(2)), None, "the log goes from event 1 to event 3"),
        (log_key(Sequence(EVENTS)), None, "the event log (it ends at 3, its head says 4)"),
        (id("e1"), None, "event 2 is not found by its id"),
        (id("e9"), sequence(far), "names event 9, which is not there"),
        (of_topic(2), None, "event 2 is not found by its topic"),
        (of_topic(far), Some(TENANT.to_le_bytes().to_vec()), "the entry in `topic-log` of event 9 names event 9"),
        (of_story(3), None, "event 3 is not found by its story"),
        (of_story(far), Some(Vec::new()), "the entry in `story` of event 9 of tenant `demo` names event 9"),
        (of_story(3), sequence(far), "event 3 names event 9 as its reply, which is not there"),
        (of_story(3), Some(vec![1]), "event 3 names event 0 as its reply, which is not there"),
        (idempotency_key(TENANT, &topic, "k1"), None, "event 2 is not found by its idempotency key"),
        (
            delivery_key(Keyspace::Inbox, &subscription(), Sequence(far)),
            Some(Vec::new()),
            "the entry in `inbox` of event 9 names event 9",
        ),
        (
            delivery_key(Keyspace::Retries, &subscription(), Sequence(far)),
            Some(Vec::new()),
            "the entry in `retries` of event 9 names event 9",
        ),
        (
            delivery_key(Keyspace::DeadLetters, &subscription(), Sequence(2)),
            Some(vec![0xa0]),
            "the entry in `dead-letters` of event 2 cannot be read",
        ),
        (cursor_key(&subscription()), sequence(far), "is ahead of the log"),
        (document_key(TENANT, number("ap_bills"), "b1"), None, "stands for record `b1`, which is not so"),
        (
            document_key(TENANT, number("ap_bills"), "b2"),
            None,
            "refers in `bill` to `b2` of `ap_bills`, which is not there",
        ),
        (
            document_key(TENANT, number("ap_bills"), "b3"),
            Some(vec![1]),
            "record `b3` of `ap_bills` of tenant `demo` cannot be read",
        ),
        (
            KeyBuilder::new(Keyspace::Answers).raw(b"t").u64(7).u32(TENANT).raw(&[7; 32]).finish(),
            Some(Vec::new()),
            "names an answer that is not there",
        ),
    ]
}

#[test]
fn every_single_fault_is_told_by_what_it_is() {
    let dir = filled();
    let data = std::fs::read(dir.path().join("data.mdb")).expect("data");
    let found = verify_folder(dir.path(), None).expect("verify");
    assert_eq!(found.findings, [""; 0]);
    let store = open(&dir);
    let numbers: Vec<(String, u32)> =
        ["ap_bills", "ap_lines"].map(|name| (name.to_owned(), store.number_of(name))).to_vec();
    let entries = index_entries(&store, &numbers);
    drop(store);
    let number = |name: &str| numbers.iter().find(|(known, _)| known == name).expect("declared").1;
    let mut all = faults(number);
    assert!(entries.len() > 8, "{entries:?}");
    all.extend(entries.into_iter().map(|entry| (entry, None, "is missing from an index")));
    let mut told = 0;
    for (key, value, expected) in all {
        std::fs::write(dir.path().join("data.mdb"), &data).expect("written");
        std::fs::remove_file(dir.path().join("store.anchor")).unwrap_or_default();
        let disk = Disk::open(dir.path(), MAP_BYTES, Vault::default()).expect("disk");
        let sealed = value.map(|value| seal(&key, &value));
        disk.write(&Overlay::unit(key.clone(), sealed)).expect("written");
        drop(disk);
        let findings = match verify_folder(dir.path(), None) {
            Ok(report) => report.findings,
            Err(error) => vec![error.to_string()],
        };
        assert!(findings.iter().any(|finding| finding.contains(expected)), "{expected}: {findings:?}");
        told += 1;
    }
    assert!(told > 25, "{told} faults are too few");
}

/// Keys of all entries of indexes and unique sets.
fn index_entries(store: &Store, numbers: &[(String, u32)]) -> Vec<Key> {
    assert_eq!(numbers.len(), 2);
    [Keyspace::Index, Keyspace::Unique].into_iter().flat_map(|keyspace| store.keys_of(keyspace)).collect()
}

#[test]
fn an_older_state_is_gone_on_with_when_that_is_accepted() {
    let dir = filled();
    let (data, older) = (dir.path().join("data.mdb"), dir.path().join("older"));
    std::fs::copy(&data, &older).expect("copied");
    let store = open(&dir);
    let tenant = store.tenant(&tenant_id("demo")).expect("tenant");
    let unit = Unit { events: vec![event("later", "a.b")], ..Unit::new(tenant.clone(), 1) };
    store.decide(unit, ReadSet::none()).expect("decided").synced.wait().expect("synced");
    assert!(matches!(crate::accept_older(dir.path(), None), Err(crate::StoreError::InUse { .. })));
    drop((store, tenant));
    std::fs::copy(&older, &data).expect("put back");
    Store::open(dir.path(), options()).expect_err("older");
    let accepted = crate::accept_older(dir.path(), None).expect("accepted");
    assert_eq!((accepted.sequence, accepted.noted.expect("a note").1), (Sequence(EVENTS), Sequence(EVENTS + 1)));
    assert_eq!(open(&dir).stats().expect("stats").events, EVENTS);
}
