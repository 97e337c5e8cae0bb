//! Records within a unit of work.

use crate::harness::{Parent, handler, verb};
use contract_model::filter::{Comparison, Filter};
use daemon_frame::{Ask, Ended, Write};
use serde_json::json;

const AP: &str = "const dao = $app.dao();";

fn with(body: &str) -> Parent {
    Parent::of(&handler(&format!("{AP} {body}")))
}

#[test]
fn a_new_record_gets_id_times_and_revision() {
    let mut parent = with("return dao.saveRecord('ap_bills', {no: 'B1', total: 12, memo: undefined, revision: 99});");
    let stored = parent.data(json!(null));
    assert_eq!((&stored["no"], &stored["total"], &stored["revision"]), (&json!("B1"), &json!(12), &json!(1)));
    assert_eq!(stored["id"].as_str().map(str::len), Some(26));
    assert_eq!(stored["created"], "2023-11-14T22:13:20.123Z");
    assert_eq!(stored["created"], stored["updated"]);
    assert!(parent.store.asked.is_empty());
    let draft = parent.draft(json!(null));
    let Write::Put { collection, id, record, base_revision } = &draft.writes[0] else { panic!() };
    assert_eq!((collection.as_str(), id.len(), *base_revision), ("ap_bills", 26, 0));
    assert!(record.get("id").is_none() && record.get("revision").is_none());
}

#[test]
fn a_fetched_record_may_be_changed_and_saved_as_it_is() {
    let mut parent = with(
        "const bill = dao.findRecordById('ap_bills', 'b1'); bill.status = 'approved'; delete bill.updated;
         const one = dao.saveRecord('ap_bills', bill); one.total = 5; const two = dao.saveRecord('ap_bills', one);
         return [one.revision, two.revision, two.status, two.total, dao.findRecordById('ap_bills', 'b1').total];",
    );
    parent.put("ap_bills", "b1", json!({"no": "1", "total": 3, "status": "draft"}));
    assert_eq!(parent.data(json!(null)), json!([8, 8, "approved", 5, 5]));
    assert_eq!(parent.store.asked.len(), 1);
    let draft = parent.draft(json!(null));
    let expected = json!({"no": "1", "total": 5, "status": "approved"});
    assert_eq!(
        draft.writes,
        [Write::Put {
            collection: "ap_bills".to_owned(),
            id: "b1".to_owned(),
            record: expected.into(),
            base_revision: 7
        }]
    );
}

#[test]
fn fields_that_are_not_given_stay_and_undefined_ones_become_null() {
    let mut parent = with("return dao.saveRecord('ap_bills', {id: 'b1', memo: undefined, total: 4});");
    parent.put("ap_bills", "b1", json!({"no": "1", "memo": "old", "total": 3}));
    let stored = parent.data(json!(null));
    assert_eq!((&stored["no"], &stored["memo"], &stored["total"]), (&json!("1"), &json!(null), &json!(4)));
    assert_eq!(stored["created"], "2020-01-01T00:00:00.000Z");
}

#[test]
fn an_id_of_ones_own_makes_a_new_record() {
    let mut parent = with("return dao.saveRecord('ap_bills', {id: e.body, no: '1'}).revision;");
    assert_eq!(parent.data(json!("own-1")), json!(1));
    assert_eq!(parent.failure(json!("a\u{1}b")).error.code, "RECORD_INVALID");
    assert_eq!(parent.failure(json!(7)).error.code, "RECORD_INVALID");
}

#[test]
fn a_record_that_breaks_its_fields_is_refused_by_name() {
    let failure = with("dao.saveRecord('ap_bills', {total: 1});").failure(json!(null));
    assert_eq!((failure.error.code.as_str(), failure.error.status), ("RECORD_INVALID", 422));
    assert!(failure.error.message.contains("no"), "{}", failure.error.message);
    let failure = with("dao.saveRecord('ap_bills', {no: '1', total: 1.5});").failure(json!(null));
    assert!(failure.error.message.contains("total"), "{}", failure.error.message);
}

#[test]
fn queries_see_pending_writes() {
    let mut parent = with(
        "dao.saveRecord('ap_bills', {id: 'b2', no: '2', status: 'open', total: 20});
         dao.saveRecord('ap_bills', {id: 'b5', no: '5', status: 'open', total: 25});
         dao.deleteRecord('ap_bills', 'b3');
         const found = dao.findRecordsByFilter('ap_bills', {status: 'open'}, {sort: '-total', limit: 2});
         return {page: found.map((r) => r.id), all: dao.findRecordsByFilter('ap_bills', {status: 'open'}, {sort: ['no']}).map((r) => r.id),
             count: dao.countRecords('ap_bills', {status: 'open'}), first: dao.findFirstRecordByFilter('ap_bills', {no: '5'}).id,
             none: dao.findFirstRecordByFilter('ap_bills', {no: '3'}),
             many: dao.findRecordsByIds('ap_bills', ['b5', 'b3', 'b1', 'b9']).map((r) => r && r.total)};",
    );
    for (id, status, total) in [("b1", "open", 10), ("b2", "paid", 11), ("b3", "open", 30), ("b4", "open", 22)] {
        parent.put("ap_bills", id, json!({"no": &id[1..], "status": status, "total": total}));
    }
    let expected = json!({"page": ["b5", "b4"], "all": ["b1", "b2", "b4", "b5"], "count": 4, "first": "b5",
        "none": null, "many": [25, null, 10, null]});
    assert_eq!(parent.data(json!(null)), expected);
}

#[test]
fn paging_goes_on_over_ones_own_changes() {
    let mut parent = with(
        "const seen = []; let cursor;
         do { const page = dao.findRecordsByFilter('ap_bills', {status: 'open'}, {sort: 'no', limit: 2, cursor});
              for (const bill of page) { seen.push(bill.id); dao.saveRecord('ap_bills', {...bill, total: 1}); }
              cursor = page.cursor; } while (cursor);
         return seen;",
    );
    for at in 1..=7 {
        parent.put("ap_bills", &format!("b{at}"), json!({"no": at.to_string(), "status": "open"}));
    }
    assert_eq!(parent.data(json!(null)), json!(["b1", "b2", "b3", "b4", "b5", "b6", "b7"]));
}

#[test]
fn a_filter_may_be_an_expression_with_bound_values() {
    let mut parent = with(
        "return [dao.findRecordsByFilter('ap_bills', \"status = 'open' && total > {:min}\", {min: 15, sort: 'no'}).length,
            dao.findFirstRecordByFilter('ap_bills', 'no = {:no}', {no: '1'}).id, dao.countRecords('ap_bills')];",
    );
    parent.put("ap_bills", "b1", json!({"no": "1", "status": "open", "total": 10}));
    parent.put("ap_bills", "b2", json!({"no": "2", "status": "open", "total": 20}));
    assert_eq!(parent.data(json!(null)), json!([1, "b1", 2]));
    let failure = with("dao.countRecords('ap_bills', 'no = ')").failure(json!(null));
    assert_eq!(failure.error.code, "FILTER_INVALID");
    let failure = with("dao.findRecordsByFilter('ap_bills', {}, {order: 'no'})").failure(json!(null));
    assert!(failure.error.message.contains("order"), "{}", failure.error.message);
}

#[test]
fn what_was_read_is_not_asked_again() {
    let mut parent = with(
        "dao.findRecordById('ap_bills', 'b1'); dao.findRecordById('ap_bills', 'b1');
         dao.findRecordsByFilter('ap_bills', {}); dao.findRecordsByIds('ap_bills', ['b1', 'b2']);",
    );
    parent.put("ap_bills", "b1", json!({"no": "1"}));
    parent.put("ap_bills", "b2", json!({"no": "2"}));
    assert_eq!(parent.call(verb(json!(null))).usage.asks, 2);
}

#[test]
fn only_own_collections_are_written_and_append_only_ones_only_grow() {
    for (body, code) in [
        ("dao.saveRecord('gl_journals', {})", "PERMISSION_DENIED"),
        ("dao.deleteRecord('gl_journals', 'x')", "PERMISSION_DENIED"),
        ("dao.saveRecord('ap_log', {id: 'l1', text: 'changed'})", "RECORD_APPEND_ONLY"),
        ("dao.deleteRecord('ap_log', 'l1')", "RECORD_APPEND_ONLY"),
        ("dao.deleteRecord('ap_bills', 'none')", "RECORD_NOT_FOUND"),
        ("for (let i = 0; i < 11; i++) dao.saveRecord('ap_log', {text: 'x'})", "OVERLOADED"),
    ] {
        let mut parent = with(body);
        parent.put("ap_log", "l1", json!({"text": "old"}));
        assert_eq!(parent.failure(json!(null)).error.code, code, "{body}");
    }
    let mut parent = with("return dao.findRecordById('gl_journals', 'j1').n;");
    parent.put("gl_journals", "j1", json!({"n": 1}));
    assert_eq!(parent.data(json!(null)), json!(1));
}

#[test]
fn a_record_made_and_deleted_in_one_call_leaves_nothing() {
    let mut parent = with(
        "const {id} = dao.saveRecord('ap_bills', {no: '1'}); dao.deleteRecord('ap_bills', id);
         return dao.findRecordsByIds('ap_bills', [id]);",
    );
    assert_eq!(parent.data(json!(null)), json!([null]));
    assert!(parent.draft(json!(null)).writes.is_empty());
}

#[test]
fn later_items_of_a_run_see_what_the_host_took_of_the_earlier_ones() {
    let source = handler(
        "const dao = $app.dao(); const [bill] = dao.findRecordsByIds('ap_bills', ['b1']);
         const next = (bill?.total ?? 0) + 1; if (e.body === 'throw') throw new Error('no');
         dao.saveRecord('ap_bills', {id: 'b1', no: '1', total: next}); return next;",
    );
    let mut parent = Parent::of(&source);
    parent.commits = true;
    let dones = parent.run(vec![verb(json!(1)), verb(json!(2)), verb(json!("throw"))]);
    let writes = |at: usize| match &dones[at].ended {
        Ended::Returned { draft, .. } => draft.writes.clone(),
        Ended::Threw(failure) => panic!("{failure:?}"),
    };
    let put = |total: i64, base_revision| {
        let record = json!({"no": "1", "status": "draft", "total": total}).into();
        vec![Write::Put { collection: "ap_bills".to_owned(), id: "b1".to_owned(), record, base_revision }]
    };
    assert_eq!((writes(0), writes(1)), (put(1, 0), put(2, 1)));
    assert_eq!(dones.len(), 3);
    parent.commits = false;
    assert_eq!((parent.data(json!(4)), parent.data(json!(5))), (json!(3), json!(3)));
}

#[test]
fn counting_leaves_pending_records_to_the_unit() {
    let mut parent = with("dao.saveRecord('ap_bills', {id: 'b1', no: '1'}); return dao.countRecords('ap_bills');");
    parent.put("ap_bills", "b1", json!({"no": "1"}));
    assert_eq!(parent.data(json!(null)), json!(1));
    let Some(Ask::Count { filter: Filter::And(parts), .. }) = parent.store.asked.pop() else { panic!() };
    let pending = Filter::Field { field: "id".to_owned(), op: Comparison::In, value: json!(["b1"]) };
    assert_eq!(parts[1], Filter::Not(Box::new(pending)));
}

#[test]
fn what_was_prefetched_is_not_asked_again() {
    let mut parent = with(
        "dao.prefetch({ap_bills: ['b1', 'b2', 'b1'], ap_suppliers: ['s1']});
         const [one, none] = dao.findRecordsByIds('ap_bills', ['b1', 'b2']);
         return [one.no, none, dao.findRecordById('ap_bills', 'b1').no, dao.findRecordsByIds('ap_suppliers', ['s1'])[0]];",
    );
    parent.put("ap_bills", "b1", json!({"no": "1"}));
    assert_eq!(parent.data(json!(null)), json!(["1", null, "1", null]));
    let wanted = vec![
        ("ap_bills".to_owned(), vec!["b1".to_owned(), "b2".to_owned()]),
        ("ap_suppliers".to_owned(), vec!["s1".to_owned()]),
    ];
    assert_eq!(parent.store.asked, [Ask::GetAcross { wanted }]);
}

#[test]
fn several_records_are_saved_at_once_and_give_their_ids() {
    let mut parent = with("return dao.saveRecords('ap_bills', [{id: 'b1', total: 4}, {no: '2'}]);");
    parent.put("ap_bills", "b1", json!({"no": "1", "total": 3}));
    let ids = parent.data(json!(null));
    assert_eq!((&ids[0], ids[1].as_str().map(str::len)), (&json!("b1"), Some(26)));
    let draft = parent.draft(json!(null));
    let Write::Put { record, base_revision, .. } = &draft.writes[0] else { panic!() };
    assert_eq!((&record["total"], *base_revision), (&json!(4), 7));
    assert_eq!(draft.writes.len(), 2);
    let misused = with("return dao.saveRecords('ap_bills', {no: '1'});").failure(json!(null));
    assert!(misused.error.message.contains("array"), "{}", misused.error.message);
}

/// Who catches it goes on with a unit of work that holds none of them.
#[test]
fn what_is_no_record_among_several_leaves_none_of_them_behind() {
    for (second, says) in [
        ("7", "$app.dao().saveRecords: the records must be an array of objects, and records[1] is none"),
        ("{no: Symbol('s')}", "$app.dao().saveRecords: record.no is a symbol, which has no exact form"),
        ("{get no() { throw new RangeError('a trap') }}", "a trap"),
    ] {
        let body = format!(
            "try {{ dao.saveRecords('ap_bills', [{{no: '1'}}, {second}]); }} catch (error) {{ return error.message; }}"
        );
        let mut parent = with(&body);
        assert_eq!(parent.draft(json!(null)).writes, [], "{second}");
        let said = parent.data(json!(null));
        assert!(said.as_str().is_some_and(|said| said.starts_with(says)), "{second}: {said}");
    }
}

#[test]
fn one_question_finds_records_of_several_collections_with_the_fields_asked_for() {
    let mut parent = with(
        "const found = dao.findAcross({ap_bills: {ids: ['b1', 'b2', 'b1'], fields: ['total', 'memo']}, ap_log: ['l1']});
         const [again] = dao.findRecordsByIds('ap_bills', ['b1'], {fields: []});
         return [found.ap_bills, Object.keys(found.ap_log[0]).length, again];",
    );
    parent.put("ap_bills", "b1", json!({"no": "1", "total": 3, "status": "draft"}));
    parent.put("ap_log", "l1", json!({"text": "hello"}));
    let bill = json!({"id": "b1", "total": 3});
    assert_eq!(parent.data(json!(null)), json!([[bill, null, bill], 5, {"id": "b1"}]));
    assert_eq!(parent.store.asked.len(), 1);
}

#[test]
fn a_wrong_option_of_a_find_is_named() {
    let mut parent = with("return dao.findRecordsByIds('ap_bills', ['b1'], {field: ['no']});");
    let failure = parent.failure(json!(null));
    assert!(
        failure.error.message.contains("findRecordsByIds: the options have no `field`; known are fields"),
        "{failure:?}"
    );
}

#[test]
fn amounts_are_added_to_what_is_stored_and_to_each_other() {
    let mut parent = with(
        "dao.addToRecords('ap_bills', [
           {id: 'b1', no: 'other', total: 5}, {id: 'b2', no: '2', total: 1}, {id: 'b2', no: 'again', total: 10},
         ], ['total']);
         return dao.findRecordsByIds('ap_bills', ['b1', 'b2']).map((bill) => [bill.no, bill.total]);",
    );
    parent.put("ap_bills", "b1", json!({"no": "1", "total": 3}));
    assert_eq!(parent.data(json!(null)), json!([["1", 8], ["2", 11]]));
    let draft = parent.draft(json!(null));
    let Write::Put { record, base_revision, .. } = &draft.writes[0] else { panic!() };
    assert_eq!((&**record, *base_revision), (&json!({"no": "1", "total": 8, "status": "draft"}), 7));
}

#[test]
fn a_sum_that_does_not_fit_leaves_nothing_behind() {
    let mut parent = with(
        "try {
           dao.addToRecords('ap_bills', [{id: 'b2', no: '2', total: 1}, {id: 'b1', total: Number.MAX_SAFE_INTEGER}], ['total']);
         } catch (error) { return [error.code, error.details, dao.findRecordsByIds('ap_bills', ['b2'])]; }",
    );
    parent.put("ap_bills", "b1", json!({"no": "1", "total": 3}));
    let details = json!({"collection": "ap_bills", "id": "b1", "field": "total"});
    assert_eq!(parent.data(json!(null)), json!(["RECORD_INVALID", details, [null]]));
    assert!(parent.draft(json!(null)).writes.is_empty());
    let mut parent = with("dao.addToRecords('ap_bills', [{no: '1', total: 1}], ['total']);");
    assert!(parent.failure(json!(null)).error.message.contains("must name it by its id"));
}
