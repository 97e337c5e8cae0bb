//! Units of work against each other.

use super::*;
use crate::{Retry, RetryChange, View};
use contract_model::filter::{Filter, Query};
use contract_model::{PluginSlug, SubscriptionId};

fn query(filter: &str) -> Query {
    let filter = Filter::parse(filter, &Map::new()).expect("filter");
    Query { filter, sort: Vec::new(), limit: None, cursor: None }
}

fn is_conflict<T>(result: &Result<T, Refused>) -> bool {
    matches!(result, Err(Refused::Conflict { .. }))
}

fn stored(bench: &Bench) -> View {
    bench.settle(bench.writing(put("a", 0, &json!({"number": "1", "status": "open", "total": 1}))));
    bench.store.view().expect("view")
}

#[test]
fn a_conflicting_read_is_refused() {
    let bench = Bench::new();
    let view = stored(&bench);
    view.get(&bench.scope(), "ap_bills", "a").expect("get");
    bench.decide(bench.writing(put("a", 1, &json!({"total": 2})))).expect("first");
    let second = bench.store.decide(bench.writing(put("b", 0, &json!({"total": 9}))), view.into_reads());
    assert!(is_conflict(&second), "{second:?}");
    assert!(second.expect_err("refused").to_string().contains("record `a` of `ap_bills`"));
    assert_eq!(bench.bill("b"), None);
}

#[test]
fn reads_of_other_records_do_not_conflict() {
    let bench = Bench::new();
    let view = stored(&bench);
    view.get(&bench.scope(), "ap_bills", "a").expect("get");
    view.find(&bench.scope(), "ap_bills", &query("status = 'open' && total < 5")).expect("find");
    bench.decide(bench.writing(put("b", 0, &json!({"status": "open", "total": 7})))).expect("other range");
    bench.decide(bench.writing(put("c", 0, &json!({"status": "held", "total": 1})))).expect("other range");
    bench.store.decide(bench.writing(put("d", 0, &json!({}))), view.into_reads()).expect("no conflict");
}

#[test]
fn what_a_unit_relies_on_without_reading_it_is_held_to_its_position() {
    let bench = Bench::new();
    let view = stored(&bench);
    let (epoch, before) = (view.epoch(), view.position());
    let changed = bench.decide(bench.writing(put("a", 1, &json!({"total": 2})))).expect("change").position;
    let relying = |position, reads: ReadSet, epoch| {
        bench.store.rely(reads, epoch, &bench.scope(), [("ap_bills", "a", position), ("ap_bills", "none", before)])
    };
    let alone = |position| relying(position, ReadSet::none(), epoch).expect("a set");
    bench.store.holds(&alone(changed)).expect("as it is now");
    let stale = bench.store.holds(&alone(before));
    assert!(stale.expect_err("stale").to_string().contains("record `a` of `ap_bills`"));
    let fresh = bench.store.view().expect("view");
    fresh.get(&bench.scope(), "ap_bills", "a").expect("get");
    let mixed = relying(before, fresh.into_reads(), epoch).expect("a set");
    assert!(is_conflict(&bench.store.decide(bench.writing(put("b", 0, &json!({}))), mixed)), "older than the view");
    let over = relying(changed, ReadSet::none(), epoch + 1).expect("a set");
    assert!(is_conflict(&bench.store.decide(bench.writing(put("b", 0, &json!({}))), over)), "of another epoch");
    bench.store.decide(bench.writing(put("none", 0, &json!({}))), alone(changed)).expect("its own write");
    assert!(is_conflict(&bench.store.decide(bench.writing(put("c", 0, &json!({}))), alone(changed))), "made since");
}

#[test]
fn phantom_in_a_range_is_refused() {
    for filter in ["status = 'open' && total < 5", "total < 5", "number = '2'", "number ~ '2'", "id = 'b'"] {
        let bench = Bench::new();
        let view = stored(&bench);
        view.find(&bench.scope(), "ap_bills", &query(filter)).expect("find");
        bench.decide(bench.writing(put("b", 0, &json!({"number": "2", "status": "open", "total": 2})))).expect("b");
        let second = bench.store.decide(bench.writing(put("c", 0, &json!({}))), view.into_reads());
        assert!(is_conflict(&second), "{filter}: {second:?}");
    }
}

#[test]
fn a_record_deleted_and_made_again_is_another_one() {
    let bench = Bench::new();
    let view = stored(&bench);
    let before = view.get(&bench.scope(), "ap_bills", "a").expect("get").expect("there");
    bench.decide(bench.writing(delete("a", 1))).expect("delete");
    bench.decide(bench.writing(put("a", 0, &json!({"number": "1", "status": "open", "total": 1})))).expect("again");
    let after = bench.store.view().expect("view").get(&bench.scope(), "ap_bills", "a").expect("get").expect("there");
    assert_eq!((before.revision, after.revision), (1, 1));
    assert!(before.born < after.born);
    assert!(is_conflict(&bench.store.decide(bench.writing(put("a", 1, &json!({}))), view.into_reads())));
}

#[test]
fn fifty_concurrent_increments_end_at_fifty() {
    let bench = Bench::new();
    bench.settle(bench.writing(put("n", 0, &json!({"total": 0}))));
    let increment = || loop {
        let view = bench.store.view().expect("view");
        let record = view.get(&bench.scope(), "ap_bills", "n").expect("get").expect("there");
        let total = record.fields["total"].as_i64().expect("integer") + 1;
        let unit = bench.writing(put("n", record.revision, &json!({ "total": total })));
        match bench.store.decide(unit, view.into_reads()) {
            Ok(decided) => return decided.synced.wait().expect("synced"),
            Err(Refused::Conflict { .. }) => {}
            Err(other) => panic!("{other}"),
        }
    };
    std::thread::scope(|scope| (0..50).for_each(|_| drop(scope.spawn(increment))));
    assert_eq!(bench.bill("n").expect("there")["total"], 50);
}

#[test]
fn unique_values_occur_once_and_may_move_within_a_unit() {
    let bench = Bench::new();
    bench.decide(bench.writing(put("a", 0, &json!({"number": "1"})))).expect("a");
    let twice = bench.decide(bench.writing(put("b", 0, &json!({"number": "1"}))));
    assert!(matches!(twice, Err(Refused::NotUnique { ref fields, .. }) if fields == &["number"]), "{twice:?}");
    bench.decide(bench.writing(put("b", 0, &json!({"number": null})))).expect("null is no duplicate");
    bench.decide(bench.writing(put("c", 0, &json!({})))).expect("nor is an absent value");
    let writes = vec![put("b", 1, &json!({"number": "1"})), put("a", 1, &json!({"number": "2"}))];
    bench.decide(Unit { writes, ..bench.unit() }).expect("moved");
    let writes = vec![put("x", 0, &json!({"number": "9"})), put("y", 0, &json!({"number": "9"}))];
    assert!(matches!(bench.decide(Unit { writes, ..bench.unit() }), Err(Refused::NotUnique { .. })));
    let system = Unit { scope: Scope::System, ..bench.writing(put("a", 0, &json!({"number": "1"}))) };
    bench.decide(system).expect("another scope has its own values");
}

#[test]
fn append_only_collections_take_new_records_only() {
    let bench = Bench::new();
    bench.decide(bench.writing(put_in("gl_entries", "a", 0, &json!({"n": 1})))).expect("new");
    let again = bench.decide(bench.writing(put_in("gl_entries", "a", 1, &json!({"n": 2}))));
    assert!(matches!(again, Err(Refused::AppendOnly { .. })), "{again:?}");
    let id = RecordId::new("a").expect("id");
    let gone = bench.writing(Write::Delete { collection: "gl_entries".into(), id, base_revision: 1 });
    assert!(matches!(bench.decide(gone), Err(Refused::AppendOnly { .. })));
}

#[test]
fn records_must_be_as_declared() {
    let bench = Bench::new();
    let wrong = bench.decide(bench.writing(put("a", 0, &json!({"total": 1.5, "colour": "red"}))));
    let Err(Refused::Invalid { errors, .. }) = &wrong else { panic!("{wrong:?}") };
    assert_eq!(errors.len(), 2);
    let unknown = bench.decide(bench.writing(put_in("no_such", "a", 0, &json!({}))));
    assert!(matches!(unknown, Err(Refused::Failed(crate::StoreError::CollectionUnknown { .. }))));
}

#[test]
fn revisions_count_writes_and_must_follow_on() {
    let bench = Bench::new();
    for base in 0..3 {
        let decided = bench.decide(bench.writing(put("a", base, &json!({ "total": base })))).expect("follows");
        assert_eq!(decided.revisions, [base + 1]);
    }
    assert!(is_conflict(&bench.decide(bench.writing(put("a", 2, &json!({}))))));
    assert!(is_conflict(&bench.decide(bench.writing(put("a", 0, &json!({}))))));
    assert!(is_conflict(&bench.decide(bench.writing(delete("a", 1)))));
    let bill = bench.bill("a").expect("there");
    assert_eq!(bill["revision"], 3);
    assert_eq!(bill["created"], "2023-11-14T22:13:20.000Z");
}

/// As a bus would note it that has not heard yet that a flush has failed and its events with it.
#[test]
fn what_is_noted_of_an_event_beyond_the_log_is_refused() {
    let bench = Bench::new();
    let ear = SubscriptionId::new(&PluginSlug::new("gl").expect("slug"), "post");
    let last = bench.settle(bench.publishing(event("e1", "ap.bill.approved"))).events[0].sequence;
    let retry =
        Retry { sequence: last.next(), attempts: 1, due_ms: 0, error: String::new(), replay: false, payload: None };
    for beyond in [
        Unit { handled: Some((ear.clone(), last.next())), ..bench.unit() },
        Unit { cursors: vec![(ear.clone(), last.next())], ..bench.unit() },
        Unit { retries: vec![RetryChange::Put(ear.clone(), retry)], ..bench.unit() },
        // Not even by a unit that has an event come there.
        Unit { handled: Some((ear.clone(), last.next())), ..bench.publishing(event("e2", "ap.bill.approved")) },
    ] {
        assert!(matches!(bench.decide(beyond), Err(Refused::Conflict { .. })));
    }
    assert_eq!(bench.store.view().expect("view").cursor(&ear).expect("cursor"), Sequence(0));
}

#[test]
fn a_cursor_never_goes_back() {
    let bench = Bench::new();
    let ear = SubscriptionId::new(&PluginSlug::new("gl").expect("slug"), "post");
    let last = bench.settle(bench.publishing(event("e1", "ap.bill.approved"))).events[0].sequence;
    for at in [last, Sequence(0)] {
        bench.settle(Unit { cursors: vec![(ear.clone(), at)], ..bench.unit() });
        assert_eq!(bench.store.view().expect("view").cursor(&ear).expect("cursor"), last);
    }
    assert!(matches!(bench.decide(Unit { handled: Some((ear, last)), ..bench.unit() }), Err(Refused::AlreadyHandled)));
}

#[test]
fn an_event_is_handled_once_by_a_subscription() {
    let bench = Bench::new();
    let sequence = bench.settle(bench.publishing(event("e1", "ap.bill.approved"))).events[0].sequence;
    let subscription = |name| SubscriptionId::new(&PluginSlug::new("gl").expect("slug"), name);
    let handling = |name| Unit { handled: Some((subscription(name), sequence)), ..bench.unit() };
    bench.decide(handling("post")).expect("first");
    let again = Unit { writes: vec![put("z", 0, &json!({}))], ..handling("post") };
    assert!(matches!(bench.decide(again), Err(Refused::AlreadyHandled)));
    assert_eq!(bench.bill("z"), None, "nothing of the second handling remains");
    bench.decide(handling("other")).expect("another subscription");
    let view = bench.store.view().expect("view");
    assert_eq!(view.inbox(&subscription("post")).expect("inbox"), [sequence]);

    let moved = Unit { cursors: vec![(subscription("post"), sequence)], ..bench.unit() };
    bench.settle(moved);
    let view = bench.store.view().expect("view");
    assert!(view.inbox(&subscription("post")).expect("inbox").is_empty(), "the cursor swallows the marks below it");
    assert!(view.inbox_has(&subscription("post"), sequence).expect("has"));
    assert!(matches!(bench.decide(handling("post")), Err(Refused::AlreadyHandled)));
}
