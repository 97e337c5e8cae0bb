//! Compaction and erasure: what goes is gone, and the chain through it holds.

use super::damage::{churned, closed};
use super::*;
use crate::disk::Disk;
use crate::erase::Sweep;
use crate::eventlog::log_key;
use crate::key::Keyspace;
use crate::stub;
use crate::tenant::Erasure;
use crate::vault::Vault;
use crate::{AnswerKey, DeadLetter, DeadLetterChange, EventFilter, NewAnswer, Retry, RetryChange, StoreError};
use crate::{back_up, export_tenant, restore, tenant_meta, verify_folder};
use contract_model::canonical::canonical_sha256;
use contract_model::{PluginSlug, SubscriptionId};
use std::path::Path;

const SECRET: &str = "quercus-robur";

fn compacting(sequences: impl IntoIterator<Item = u64>) -> Unit {
    Unit { compacted: sequences.into_iter().map(Sequence).collect(), ..Unit::new(Scope::System, 1) }
}

fn sound(bench: &Bench) -> crate::VerifyReport {
    let report = bench.store.verify().expect("verify");
    assert_eq!(report.findings, [""; 0]);
    report
}

fn copied(from: &Path) -> TempDir {
    let to = TempDir::new().expect("folder");
    for name in ["data.mdb", "store.format", "store.anchor", "store.log.0", "store.log.1"] {
        std::fs::copy(from.join(name), to.path().join(name)).expect("copied");
    }
    to
}

fn exported(folder: &Path, tenant: &str) -> Result<String, StoreError> {
    let mut lines = Vec::new();
    export_tenant(folder, None, &tenant_id(tenant), 0, HOUR, &mut lines)?;
    Ok(String::from_utf8(lines).expect("text"))
}

#[test]
fn of_a_compacted_event_its_place_in_the_chain_remains_and_what_it_is_known_by() {
    let bench = Bench::new();
    churned(&bench, 30);
    let mut keyed = event("keyed", "ap.bill.approved");
    keyed.event.idempotency_key = Some("used".to_owned());
    keyed.event.payload = json!({ "secret": SECRET });
    bench.settle(bench.publishing(keyed.clone()));
    let before = sound(&bench);
    // Twice, and one that is not there.
    for _ in 0..2 {
        bench.settle(compacting((1..=10).chain([31, 99])));
        let after = sound(&bench);
        assert_eq!((after.events, after.records, before.entries - after.entries), (31, before.records, 22));
    }
    let bench = bench.reopened();
    sound(&bench);
    let view = bench.store.view().expect("view");
    let all = events(&view, EventFilter::default(), 0, 100);
    assert_eq!((all.len(), all[0].sequence), (20, Sequence(11)));
    assert_eq!(view.event(Sequence(31)).expect("read"), None);
    assert!(view.is_compacted(Sequence(31)).expect("read") && !view.is_compacted(Sequence(11)).expect("read"));
    assert_eq!(view.event_by_id(&bench.tenant, &keyed.event.id).expect("read"), None);
    let past = view.past_event(&bench.tenant, &keyed.event.id).expect("read").expect("known");
    assert_eq!((past.sequence, past.payload_hash), (Sequence(31), canonical_sha256(&keyed.event.payload)));
    assert_eq!(past.topic, keyed.event.topic);
    assert!(view.known(&bench.tenant, &keyed.event.topic, "used").expect("read").is_some());
    assert_eq!(story(&view, &bench.tenant, "story").len(), 20);
    let of_topic = EventFilter { tenant: None, topic: Some(keyed.event.topic.clone().into()) };
    assert_eq!(events(&view, of_topic, 0, 100).len(), 10);
    // The first eleven positions and the last are of what was compacted.
    let topics = view.topics().expect("topics");
    let next = |after| view.next_event(&topics, Sequence(after)).expect("read").map(|event| event.sequence.0);
    assert_eq!([next(0), next(10), next(11), next(29), next(30)], [Some(11), Some(11), Some(12), Some(30), None]);
    drop(view);
    // What was published once is not published again.
    assert!(matches!(bench.decide(bench.publishing(keyed)), Err(Refused::EventExists { .. })));
    bench.settle(bench.publishing(event("later", "ap.bill.approved")));
    sound(&bench);
    let dir = closed(bench);
    let lines = exported(dir.path(), "demo").expect("exported");
    assert!(!lines.contains(SECRET) && lines.contains("later"));
    let (mut bytes, to) = (Vec::new(), TempDir::new().expect("folder"));
    back_up(dir.path(), None, 0, HOUR, &mut bytes).expect("backed up");
    assert!(!bytes.windows(SECRET.len()).any(|part| part == SECRET.as_bytes()));
    std::fs::write(to.path().join("b"), bytes).expect("written");
    let restored = restore(&to.path().join("b"), None, &to.path().join("data"), false).expect("restored");
    assert_eq!(restored.report.content, verify_folder(dir.path(), None).expect("verify").content);
}

/// The negative control: a stub that is not the event's breaks the chain.
#[test]
fn a_stub_that_was_replaced_breaks_the_chain() {
    let bench = Bench::new();
    churned(&bench, 6);
    bench.settle(compacting(1..=6));
    let dir = closed(bench);
    let disk = Disk::open(dir.path(), MAP_BYTES, Vault::default()).expect("disk");
    disk.rewrite(|map| {
        let entries = map.after(Keyspace::Log, &[], 10)?;
        let (_, other) = &entries[1];
        assert!(stub::is_stub(other));
        map.put(&log_key(Sequence(4)), other)
    })
    .expect("written");
    drop(disk);
    let findings = verify_folder(dir.path(), None).expect("verify").findings;
    assert_eq!(findings[0], "event 4 does not follow from the one before it of tenant `demo`", "{findings:?}");
}

/// A store in which `demo` and `other` have something of everything.
fn two_tenants() -> Bench {
    let bench = Bench::new();
    let other = bench.store.create_tenant(&tenant_id("other"), "Other").expect("tenant");
    let subscription = SubscriptionId::new(&PluginSlug::new("gl").expect("slug"), "book");
    for tenant in [&bench.tenant, &other] {
        for n in 0..400 {
            let id = format!("{}-{n}", tenant.id());
            let mut new = event(&id, "ap.bill.approved");
            new.event.idempotency_key = Some(id.clone());
            new.event.payload = json!({ "secret": format!("{SECRET}-{}", tenant.id()) });
            let mut unit = Unit::new(tenant.clone(), 5);
            unit.writes = vec![put(&id, 0, &json!({ "number": id, "status": format!("{SECRET}-{}", tenant.id()) }))];
            unit.events = vec![new];
            let key: AnswerKey =
                std::array::from_fn(|at| u8::try_from(at).expect("small") ^ u8::try_from(n % 200).expect("small"));
            unit.answer = (n < 200).then(|| NewAnswer { key, request: key, answer: id.clone().into_bytes() });
            let decided = bench.decide(unit).expect("decided");
            let sequence = decided.events[0].sequence;
            let Event { id, topic, .. } = &*decided.events[0];
            let mut unit = Unit::new(Scope::System, 6);
            let error = format!("{SECRET}-{}", tenant.id());
            unit.meta = vec![(tenant_meta(tenant.id(), "note"), Some(json!(error)))];
            if n % 3 == 0 {
                let payload = Some(json!(error));
                let retry = Retry { sequence, attempts: 1, due_ms: 9, error, replay: false, payload };
                unit.retries = vec![RetryChange::Put(subscription.clone(), retry)];
            } else if n % 3 == 1 {
                let (tenant, event, topic, reason) = (tenant.id().clone(), id.clone(), topic.clone(), error);
                let (code, stack, version) = (String::new(), Vec::new(), String::new());
                let subscription = subscription.clone();
                let letter = DeadLetter {
                    subscription,
                    sequence,
                    tenant,
                    event,
                    topic,
                    attempts: 1,
                    code,
                    reason,
                    stack,
                    version,
                    time_ms: 7,
                    replay: false,
                    payload: None,
                };
                unit.dead_letters = vec![DeadLetterChange::Put(Box::new(letter))];
            }
            bench.settle(unit);
        }
    }
    bench
}

fn is_gone(store: &Store) {
    assert!(store.tenant(&tenant_id("demo")).is_none());
    let entries = store.stats().expect("stats").entries;
    assert_eq!(
        (entries["documents"], entries["unique"], entries["event-id"], entries["topic-log"]),
        (400, 400, 400, 400)
    );
    assert_eq!((entries["idempotency"], entries["answers"], entries["log"], entries["story"]), (400, 400, 800, 400));
    assert_eq!((entries["retries"], entries["dead-letters"]), (134, 133));
    let view = store.view().expect("view");
    let note = |tenant: &str| view.meta(&tenant_meta(&tenant_id(tenant), "note")).expect("meta");
    assert_eq!((note("demo"), note("other").is_some()), (None, true));
}

#[test]
fn of_an_erased_tenant_the_places_of_its_events_remain_and_nothing_else() {
    let bench = two_tenants();
    sound(&bench);
    bench.settle(compacting(1..=50));
    let others = exported(copied(bench.dir.path()).path(), "other").expect("exported");
    let erased = bench.store.erase_tenant(&tenant_id("demo"), 77).expect("erased");
    assert_eq!((erased.events, erased.entries > 2_000), (400, true), "{erased:?}");
    is_gone(&bench.store);
    sound(&bench);
    let late = bench.decide(bench.publishing(event("late", "ap.bill.approved"))).expect_err("nobody reaches it");
    assert_eq!(late.code(), contract_model::ErrorCode::NotFound, "{late}");
    let again = bench.store.erase_tenant(&tenant_id("demo"), 78);
    assert!(matches!(again, Err(Refused::Failed(StoreError::TenantUnknown { .. }))), "{again:?}");
    assert_eq!(bench.store.finish_erasures(79).expect("nothing"), []);
    // A retry that comes late, from who had the event in memory, leaves nothing.
    let retry = Retry {
        sequence: Sequence(200),
        attempts: 1,
        due_ms: 9,
        error: SECRET.to_owned(),
        replay: false,
        payload: None,
    };
    let subscription = SubscriptionId::new(&PluginSlug::new("gl").expect("slug"), "book");
    bench.settle(Unit { retries: vec![RetryChange::Put(subscription, retry)], ..Unit::new(Scope::System, 6) });
    sound(&bench);
    // The name is free again, for somebody else.
    let again = bench.store.create_tenant(&tenant_id("demo"), "Again").expect("made");
    let unit = Unit { events: vec![event("demo-1", "ap.bill.approved")], ..Unit::new(again, 8) };
    bench.settle(unit);
    let bench = bench.reopened();
    sound(&bench);
    let dir = closed(bench);
    let lines = |export: &str| {
        export.lines().skip(1).filter(|line| !line.contains("\"end\"")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(lines(&exported(dir.path(), "other").expect("exported")), lines(&others), "nobody else lost anything");
    assert!(!exported(dir.path(), "demo").expect("exported").contains(SECRET));
    let mut bytes = Vec::new();
    back_up(dir.path(), None, 0, HOUR, &mut bytes).expect("backed up");
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.contains("quercus-robur-other") && !text.contains("quercus-robur-demo"));
}

#[test]
fn an_erasure_that_ends_at_any_point_is_gone_on_with() {
    let bench = two_tenants();
    let marked = Erasure { began_ms: 77, ended_ms: None };
    bench.store.mark_erased(&bench.tenant, marked).expect("marked");
    let mut images = vec![copied(bench.dir.path())];
    let mut sweep = Sweep::default();
    while let Some((entries, events)) = bench.store.erase_piece(&bench.tenant, &mut sweep).expect("a piece") {
        assert!(entries + events <= 512, "a piece is bounded: {entries} + {events}");
        images.push(copied(bench.dir.path()));
    }
    assert!(images.len() > 4, "{} images", images.len());
    // Retries, dead letters and answers of both, each once, however many pieces there were.
    assert_eq!(sweep.looked_at, 2 * (134 + 133 + 200));
    for image in images {
        assert_eq!(verify_folder(image.path(), None).expect("verify").findings, [""; 0]);
        let store = open(&image);
        assert!(store.tenant(&tenant_id("demo")).is_none(), "it is out of reach from the first unit on");
        assert_eq!(store.finish_erasures(78).expect("erased").len(), 1);
        is_gone(&store);
        drop(store);
        assert_eq!(verify_folder(image.path(), None).expect("verify").findings, [""; 0]);
    }
}
